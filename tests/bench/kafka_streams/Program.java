import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** The same fold as a Kafka Streams program. Environment: BENCH_BROKER, BENCH_APP, BENCH_PREFIX, BENCH_STORE, ... */
public final class Program {
    public static void main(String[] arguments) throws IOException, InterruptedException {
        String app = System.getenv("BENCH_APP");
        Catalog catalog = new Catalog(new File(System.getenv("BENCH_CATALOG")));
        String warmUp = System.getenv("BENCH_WARM_UP_PREFIX");
        if (warmUp != null) {
            warmUp(app + "-warm-up", warmUp, catalog);
        }

        KafkaStreams streams = streams(app, System.getenv("BENCH_PREFIX"), System.getenv("BENCH_OUTPUTS"), catalog);
        CountDownLatch ended = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            ended.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        ended.await();
        System.exit(1);
    }

    /** Folds another load first, to its end, so that Java has compiled itself: a service runs for weeks. */
    private static void warmUp(String app, String prefix, Catalog catalog) throws InterruptedException {
        long events = Long.parseLong(System.getenv("BENCH_WARM_UP_EVENTS"));
        try (KafkaStreams streams = streams(app, prefix, System.getenv("BENCH_WARM_UP_OUTPUTS"), catalog)) {
            streams.start();
            while (processed(streams) < events) {
                if (!streams.state().isRunningOrRebalancing()) {
                    throw new IllegalStateException("the warm-up ended: " + streams.state());
                }
                Thread.sleep(100);
            }
        }
        System.out.println("warm");
    }

    private static double processed(KafkaStreams streams) {
        return streams.metrics().values().stream()
            .filter(metric -> metric.metricName().name().equals("process-total"))
            .filter(metric -> metric.metricName().group().equals("stream-thread-metrics"))
            .mapToDouble(metric -> (Double) metric.metricValue())
            .sum();
    }

    private static KafkaStreams streams(String app, String prefix, String outputs, Catalog catalog) {
        boolean inMemory = System.getenv("BENCH_STORE").equals("memory");
        Topology topology = new Topology();
        ByteArrayDeserializer bytes = new ByteArrayDeserializer();
        topology.addSource("events", bytes, bytes, Kind.byTopic(prefix).keySet().toArray(String[]::new));
        topology.addProcessor("fold", () -> new Fold(app, prefix, catalog), "events");
        topology.addStateStore(store(Fold.CALLERS, inMemory, Caller.SERDE), "fold");
        topology.addStateStore(store(Fold.DAYS, inMemory, Serdes.ByteArray()), "fold");
        ByteArraySerializer to = new ByteArraySerializer();
        for (String output : List.of(Messages.ACHIEVEMENT_UNLOCKED, Messages.LEVEL_UP, Messages.PET_EVOLVED)) {
            topology.addSink(output, outputs + output, to, to, "fold");
        }
        return new KafkaStreams(topology, settings(app));
    }

    /**
     * Both kinds keep a changelog (the default) and cache: a key that is written often reaches it once a commit. Without
     * caches it wrote nearly twice as many bytes and took more of the processor; without one for days alone, less of it with
     * many callers and more with few. That was measured with an older fold, in which every event wrote its day.
     */
    private static <V> StoreBuilder<?> store(String name, boolean inMemory, Serde<V> values) {
        KeyValueBytesStoreSupplier supplier =
            inMemory ? Stores.inMemoryKeyValueStore(name) : Stores.persistentKeyValueStore(name);
        return Stores.keyValueStoreBuilder(supplier, Serdes.ByteArray(), values).withCachingEnabled();
    }

    private static Properties settings(String app) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, app);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("BENCH_BROKER"));
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getenv("BENCH_STATE"));
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        // One worker against one worker.
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        // Exactly-once commits every 100 ms by default, and an unlock is seen when it is committed. A longer interval
        // is faster, because the cache then writes a busy caller less often: the bench says which it measures.
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, System.getenv("BENCH_COMMIT_MS"));
        // Room for all that changes between two commits, so that nothing is evicted to the changelog before (default: 10 MB).
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 512L * 1024 * 1024);
        // Whole fetches at a time: the default of 1,000 records for each of 48 partitions pauses and resumes them all the time.
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 20_000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 20_000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 4 * 1024 * 1024);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        // A killed worker's partitions are taken over after as long as streakline's.
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 10_000);
        // Larger batches of changelog rows (default: 16 kB). No compression, as streakline writes none: lz4 would write a
        // fraction of the bytes, but took no less of the processor.
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 512 * 1024);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), System.getenv("BENCH_LINGER_MS"));
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 128L * 1024 * 1024);
        // Left as they are, because nothing was gained: max.task.idle.ms (-1), a linger of 1 s, fetches of 1 MB.
        return settings;
    }
}
