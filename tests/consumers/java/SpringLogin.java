import java.util.concurrent.TimeUnit;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.kafka.core.KafkaTemplate;

/** An application of Spring Boot that configures itself; prints who the server says it is. */
@SpringBootConfiguration
@EnableAutoConfiguration
public class SpringLogin {
  public static void main(String[] arguments) throws Exception {
    String said;
    try (ConfigurableApplicationContext context = SpringApplication.run(SpringLogin.class)) {
      said = login(context, arguments[0]);
    }
    System.out.println(said); // the last line: Spring's log goes there, too
  }

  @SuppressWarnings("unchecked")
  private static String login(ConfigurableApplicationContext context, String kind) throws Exception {
    switch (kind) {
      case "redis":
        StringRedisTemplate redis = context.getBean(StringRedisTemplate.class);
        redis.opsForValue().set("spring", "7");
        return redis.opsForValue().get("spring");
      case "kafka":
        KafkaTemplate<Object, Object> kafka = context.getBean(KafkaTemplate.class);
        return kafka.send("orders", "7").get(30, TimeUnit.SECONDS).getRecordMetadata().topic();
      default:
        return context.getBean(JdbcTemplate.class).queryForObject("SELECT CURRENT_USER", String.class);
    }
  }
}
