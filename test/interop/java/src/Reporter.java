import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.LinkedHashMap;
import java.util.Map;

/** Pairs up fabric8's callbacks: it may tell of one stop twice. */
final class Reporter {
  private final String identity;
  private final KubernetesSerialization json;
  private String leader = "";
  private boolean leading;
  private boolean shuttingDown;

  Reporter(String identity, KubernetesSerialization json) {
    this.identity = identity;
    this.json = json;
  }

  synchronized void started() {
    if (shuttingDown) {
      return;
    }
    leading = true;
    leader = identity;
    print("started");
  }

  synchronized void stopped() {
    if (leading) {
      leading = false;
      print("stopped");
    }
  }

  /** Called with null after a release, and with the elector's own name just before {@link #started}. */
  synchronized void newLeader(String holder) {
    leader = holder == null ? "" : holder;
    if (!leader.equals(identity)) {
      print("new-leader");
    }
  }

  synchronized void shutDown() {
    shuttingDown = true;
    stopped();
  }

  /** System.nanoTime reads CLOCK_MONOTONIC on Linux. */
  private void print(String event) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("t_mono_ms", System.nanoTime() / 1e6);
    line.put("event", event);
    line.put("identity", identity);
    line.put("leader", leader);
    System.out.println(json.asJson(line));
    System.out.flush();
  }
}
