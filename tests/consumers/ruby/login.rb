# Logs in with what is in the environment, and prints who the server says it is.
case ARGV[0]
when "redis"
  require "redis"
  redis = Redis.new(url: ENV.fetch("REDIS_URL"), ssl_params: { ca_file: ARGV[1] })
  redis.set("ruby", "7")
  puts redis.get("ruby")
else
  require "active_record"
  ActiveRecord::Base.establish_connection(ENV.fetch("DATABASE_URL"))
  puts ActiveRecord::Base.connection.select_value("SELECT CURRENT_USER")
end
