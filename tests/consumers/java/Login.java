import java.io.FileReader;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Logs in with what is in the environment, and prints who the server says it is. */
public class Login {
  public static void main(String[] arguments) throws Exception {
    System.out.println(arguments[0].equals("kafka") ? kafka(arguments[1]) : jdbc(arguments[0]));
  }

  private static String jdbc(String driver) throws Exception {
    Class.forName(driver);
    Map<String, String> env = System.getenv();
    try (Connection connection = DriverManager.getConnection(
            env.get("JDBC_DATABASE_URL"), env.get("JDBC_DATABASE_USERNAME"), env.get("JDBC_DATABASE_PASSWORD"));
        ResultSet rows = connection.createStatement().executeQuery("SELECT CURRENT_USER")) {
      rows.next();
      return rows.getString(1);
    }
  }

  private static String kafka(String file) throws Exception {
    Properties told = new Properties();
    try (FileReader reader = new FileReader(file)) {
      told.load(reader);
    }
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(told, new StringSerializer(), new StringSerializer())) {
      return producer.send(new ProducerRecord<>("orders", "7")).get(30, TimeUnit.SECONDS).topic();
    }
  }
}
