// Logs in with what is in the environment, and prints who the server says it is.
const env = process.env;

const logins = {
  async pg() {
    const { Client } = require("pg");
    const client = new Client({ connectionString: env.URL });
    await client.connect();
    const { rows } = await client.query("SELECT CURRENT_USER AS who");
    await client.end();
    return rows[0].who;
  },
  async prisma() {
    const { PrismaPg } = await import("@prisma/adapter-pg");
    const adapter = await new PrismaPg({ connectionString: env.DATABASE_URL }).connect();
    const { rows } = await adapter.queryRaw({ sql: "SELECT CURRENT_USER", args: [], argTypes: [] });
    await adapter.dispose();
    return rows[0][0];
  },
  async mysql2() {
    const connection = await require("mysql2/promise").createConnection({ uri: env.URL, ssl: {} });
    const [rows] = await connection.query("SELECT CURRENT_USER AS who");
    await connection.end();
    return rows[0].who;
  },
  async ioredis() {
    const client = new (require("ioredis"))(env.REDIS_URL, { maxRetriesPerRequest: 1 });
    await client.set("ioredis", "7");
    const value = await client.get("ioredis");
    client.disconnect();
    return value;
  },
  async redis() {
    const client = require("redis").createClient({ url: env.REDIS_URL });
    await client.connect();
    await client.set("node-redis", "7");
    const value = await client.get("node-redis");
    client.destroy();
    return value;
  },
  async kafkajs() {
    const { Kafka, logLevel } = require("kafkajs");
    const kafka = new Kafka({
      brokers: env.BOOTSTRAP_SERVERS.split(","),
      ssl: true,
      sasl: { mechanism: "scram-sha-512", username: env.USERNAME, password: env.PASSWORD },
      logLevel: logLevel.NOTHING,
      retry: { retries: 3 },
    });
    const producer = kafka.producer();
    await producer.connect();
    const [told] = await producer.send({ topic: "orders", messages: [{ value: "7" }] });
    await producer.disconnect();
    return told.topicName;
  },
};

logins[process.argv[2]]().then(
  (who) => console.log(who),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
