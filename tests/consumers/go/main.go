// Logs in with what is in the environment, and prints who the server says it is.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	who, err := login(ctx, os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(who)
}

func login(ctx context.Context, driver string) (who string, err error) {
	switch driver {
	case "pgx":
		connection, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
		if err != nil {
			return "", err
		}
		defer connection.Close(ctx)
		err = connection.QueryRow(ctx, "SELECT CURRENT_USER").Scan(&who)
		return who, err
	case "mysql":
		pool, err := sql.Open("mysql", os.Getenv("MYSQL_DSN"))
		if err != nil {
			return "", err
		}
		defer pool.Close()
		err = pool.QueryRowContext(ctx, "SELECT CURRENT_USER").Scan(&who)
		return who, err
	default:
		options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
		if err != nil {
			return "", err
		}
		client := redis.NewClient(options)
		defer client.Close()
		if err = client.Set(ctx, "go", "7", 0).Err(); err != nil {
			return "", err
		}
		return client.Get(ctx, "go").Result()
	}
}
