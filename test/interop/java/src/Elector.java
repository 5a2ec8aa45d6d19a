import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElectionConfig;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderElector;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import java.io.File;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * Campaigns for a Lease with fabric8's own elector and tells on stdout what it believes.
 *
 * <p>One JSON line per change, with the same options, fields and clock as test/interop/go. On SIGTERM the work ends
 * ("stopped") before the election is cancelled: left alone, fabric8 calls back only after it has released.
 */
public final class Elector {
  private final Options options;
  private final KubernetesClient client;
  private final Reporter reporter;
  private CompletableFuture<?> campaign;
  private boolean shuttingDown;

  private Elector(Options options, KubernetesClient client) {
    this.options = options;
    this.client = client;
    this.reporter = new Reporter(options.required("identity"), client.getKubernetesSerialization());
  }

  public static void main(String[] arguments) throws Exception {
    Options options = Options.parse(arguments);
    Config config = Config.fromKubeconfig(new File(options.required("kubeconfig")));
    Elector elector = new Elector(options, new KubernetesClientBuilder().withConfig(config).build());
    Runtime.getRuntime().addShutdownHook(new Thread(elector::shutDown));
    elector.run();
  }

  private void run() throws InterruptedException, ExecutionException {
    while (true) {
      CompletableFuture<?> next = nextCampaign();
      if (next == null) {
        return;
      }
      try {
        next.get();
      } catch (CancellationException shuttingDown) {
        return;
      }
    }
  }

  /** An elector of fabric8's is good for one campaign: until leading was lost. */
  private synchronized CompletableFuture<?> nextCampaign() {
    if (shuttingDown) {
      return null;
    }
    LeaderElector elector = client.leaderElector().withConfig(electionConfig()).build();
    campaign = elector.start();
    return campaign;
  }

  private LeaderElectionConfig electionConfig() {
    String name = options.required("name");
    return new LeaderElectionConfig(
        new LeaseLock(options.required("namespace"), name, options.required("identity")),
        options.duration("lease-duration", Duration.ofSeconds(15)),
        options.duration("renew-deadline", Duration.ofSeconds(10)),
        options.duration("retry-period", Duration.ofSeconds(2)),
        new LeaderCallbacks(reporter::started, reporter::stopped, reporter::newLeader),
        true,
        name);
  }

  /** Cancelling releases the Lease before it returns. */
  private synchronized void shutDown() {
    shuttingDown = true;
    reporter.shutDown();
    if (campaign != null) {
      campaign.cancel(true);
    }
  }
}
