import java.io.PrintStream;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.common.config.ConfigDef;

/** Writes what Kafka checks its configuration with: `java -cp 'lib/*' KafkaConfigDef.java FILE`, FILE being kafka-x.y.z-configdef.tsv. */
public class KafkaConfigDef {
    public static void main(String[] arguments) throws Exception {
        Set<String> dynamic = dynamic();
        try (PrintStream out = new PrintStream(arguments[0], "UTF-8")) {
            out.print("name\ttype\tdefault\tvalidator\timportance\tdynamic\tdocumentation\n");
            for (ConfigDef.ConfigKey key : new TreeMap<>(definition().configKeys()).values()) {
                out.print(String.join("\t",
                    key.name,
                    key.type.toString(),
                    key.hasDefault() ? String.valueOf(key.defaultValue) : "<required>",
                    key.validator == null ? "" : key.validator.toString().replace('\n', ' '),
                    key.importance.toString(),
                    String.valueOf(dynamic.contains(key.name)),
                    key.documentation == null ? "" : key.documentation.replaceAll("\\s+", " ")) + "\n");
            }
        }
    }

    /** Kafka 4 keeps the definition in Java, Kafka 3 in a Scala object. */
    private static ConfigDef definition() throws Exception {
        try {
            return (ConfigDef) Class.forName("org.apache.kafka.server.config.AbstractKafkaConfig").getField("CONFIG_DEF").get(null);
        } catch (ClassNotFoundException | NoSuchFieldException missing) {
            Object scala = Class.forName("kafka.server.KafkaConfig$").getField("MODULE$").get(null);
            return (ConfigDef) scala.getClass().getMethod("configDef").invoke(scala);
        }
    }

    /** The names that can be changed while the broker runs. */
    private static Set<String> dynamic() throws Exception {
        Object scala = Class.forName("kafka.server.DynamicBrokerConfig$").getField("MODULE$").get(null);
        Object names = scala.getClass().getMethod("AllDynamicConfigs").invoke(scala);
        Set<String> dynamic = new HashSet<>();
        if (names instanceof Set<?> set) {
            set.forEach(name -> dynamic.add(name.toString()));
            return dynamic;
        }
        Object each = names.getClass().getMethod("iterator").invoke(names);
        Class<?> iterator = Class.forName("scala.collection.Iterator");
        while ((Boolean) iterator.getMethod("hasNext").invoke(each)) {
            dynamic.add(iterator.getMethod("next").invoke(each).toString());
        }
        return dynamic;
    }
}
