// What a program written with @kubernetes/client-node does: node client_node.mjs PACKAGES SCENARIO...
// with the kubeconfig in $KUBECONFIG. It prints a JSON object for the tests to look at: what each scenario saw.
import { createRequire } from "node:module";
import { PassThrough, Readable, Writable } from "node:stream";
import net from "node:net";
import { pathToFileURL } from "node:url";

const [packages, ...chosen] = process.argv.slice(2);
const path = createRequire(`${packages}/`).resolve("@kubernetes/client-node");
const k8s = await import(pathToFileURL(path).href);

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);

const configMap = (name, data = {}) => ({ metadata: { name, labels: { test: "yes" } }, data });

/** What comes, and a way to wait for the next of it. */
class Mailbox {
  #values = [];
  #waiting = [];

  put(value) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(value);
    else this.#values.push(value);
  }

  next() {
    if (this.#values.length) return Promise.resolve(this.#values.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    const body = typeof error.body === "string" ? JSON.parse(error.body) : error.body;
    return [error.code, body.reason];
  }
  return "not refused";
}

/** A pod that serves a page on port 8080, once it is ready. */
async function server(namespace) {
  const script = "mkdir /www; echo hello >/www/index.html; echo started; exec httpd -f -p 8080 -h /www";
  const container = {
    name: "c", image: "busybox:1.36", imagePullPolicy: "IfNotPresent", command: ["sh", "-c", script],
  };
  const spec = { containers: [container], terminationGracePeriodSeconds: 0 };
  await core.createNamespacedPod({ namespace, body: { metadata: { name: "node" }, spec } });
  const ready = new Mailbox();
  const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () =>
    core.listNamespacedPod({ namespace }),
  );
  informer.on("update", (pod) => {
    if (pod.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True")) ready.put(pod);
  });
  await informer.start();
  await ready.next();
  await informer.stop();
}

const scenarios = {
  async objects(namespace) {
    const apps = config.makeApiClient(k8s.AppsV1Api);
    const made = await core.createNamespacedConfigMap({ namespace, body: configMap("m", { a: "1" }) });
    const again = await refusal(core.createNamespacedConfigMap({ namespace, body: configMap("m") }));
    made.data.b = "2";
    const replaced = await core.replaceNamespacedConfigMap({ name: "m", namespace, body: made });
    const stale = await refusal(core.replaceNamespacedConfigMap({ name: "m", namespace, body: made }));
    const listed = await core.listNamespacedConfigMap({ namespace, labelSelector: "test=yes", limit: 1 });
    await core.deleteNamespacedConfigMap({ name: "m", namespace });
    const gone = await refusal(core.readNamespacedConfigMap({ name: "m", namespace }));
    const template = {
      metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "busybox:1.36" }] },
    };
    const spec = { replicas: 0, selector: { matchLabels: { app: "web" } }, template };
    await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "web" }, spec } });
    const read = await apps.readNamespacedDeployment({ name: "web", namespace });
    return {
      again, stale, gone,
      replaced: replaced.data,
      listed: listed.items.map((item) => item.metadata.name),
      isDate: read.metadata.creationTimestamp instanceof Date,
      maxSurge: read.spec.strategy.rollingUpdate.maxSurge,
    };
  },

  async patches(namespace) {
    await core.createNamespacedConfigMap({ namespace, body: configMap("m", { a: "1" }) });
    const patch = async (body, strategy, rest = {}) => {
      const options = k8s.setHeaderOptions("Content-Type", strategy);
      return (await core.patchNamespacedConfigMap({ name: "m", namespace, body, ...rest }, options)).data;
    };
    return [
      await patch({ data: { b: "2" } }, k8s.PatchStrategy.StrategicMergePatch),
      await patch({ data: { a: null } }, k8s.PatchStrategy.MergePatch),
      await patch([{ op: "replace", path: "/data/b", value: "3" }], k8s.PatchStrategy.JsonPatch),
      await patch(
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" }, data: { c: "4" } },
        k8s.PatchStrategy.ServerSideApply, { fieldManager: "node", force: true },
      ),
    ];
  },

  /** The API that works with objects of any kind, by discovery. */
  async objectApi(namespace) {
    const objects = k8s.KubernetesObjectApi.makeApiClient(config);
    const [service, cronJob] = k8s.loadAllYaml(`
apiVersion: v1
kind: Service
metadata: {name: s, namespace: ${namespace}}
spec: {ports: [{port: 80}], selector: {app: web}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: c, namespace: ${namespace}}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "busybox:1.36"}]}}}}
`);
    await objects.create(service);
    const made = await objects.create(cronJob);
    const patched = await objects.patch(
      { ...cronJob, spec: { suspend: true } }, undefined, undefined, "node", undefined, k8s.PatchStrategy.MergePatch,
    );
    const listed = await objects.list("batch/v1", "CronJob", namespace);
    await objects.delete(cronJob);
    const gone = await refusal(objects.read(cronJob));
    return {
      policy: made.spec.concurrencyPolicy, suspended: patched.spec.suspend,
      listed: listed.items.map((item) => item.metadata.name), gone,
    };
  },

  async informer(namespace) {
    const events = new Mailbox();
    const tell = (kind) => (obj) => events.put([kind, obj.metadata.name]);
    const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: "test=yes" });
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, "test=yes");
    for (const kind of ["add", "update", "delete"]) informer.on(kind, tell(kind));
    informer.on("error", (error) => events.put(["error", String(error)]));
    await core.createNamespacedConfigMap({ namespace, body: configMap("before") });
    await informer.start();
    const seen = [await events.next()];
    await core.createNamespacedConfigMap({ namespace, body: configMap("after") });
    seen.push(await events.next());
    const patch = [{ op: "add", path: "/data", value: { n: "1" } }];
    await core.patchNamespacedConfigMap({ name: "after", namespace, body: patch });
    seen.push(await events.next());
    await core.deleteNamespacedConfigMap({ name: "before", namespace });
    seen.push(await events.next());
    const kept = informer.list(namespace).map((obj) => obj.data);
    await informer.stop();
    return { seen, kept };
  },

  async watch(namespace) {
    const events = new Mailbox();
    const resourceVersion = (await core.listNamespacedConfigMap({ namespace })).metadata.resourceVersion;
    const watch = new k8s.Watch(config);
    const options = { resourceVersion, labelSelector: "test=yes", allowWatchBookmarks: true };
    const controller = await watch.watch(
      `/api/v1/namespaces/${namespace}/configmaps`, options,
      (kind, obj) => events.put([kind, obj.metadata.name]), () => events.put(["ended"]),
    );
    await core.createNamespacedConfigMap({ namespace, body: configMap("m") });
    await core.deleteNamespacedConfigMap({ name: "m", namespace });
    const seen = [await events.next(), await events.next()];
    controller.abort();
    return [...seen, await events.next()];
  },

  async pods(namespace) {
    await server(namespace);
    const collect = () => {
      const stream = new PassThrough();
      let text = "";
      stream.on("data", (data) => (text += data));
      return { stream, text: () => text };
    };
    const [out, err] = [collect(), collect()];
    const exec = new k8s.Exec(config);
    const status = await new Promise((resolve, reject) =>
      exec
        .exec(
          namespace, "node", "c", ["sh", "-c", "read line; echo got $line; echo err >&2; exit 3"],
          out.stream, err.stream, Readable.from(["hello\n"]), false, resolve,
        )
        .catch(reject),
    );
    const logged = collect();
    const ended = new Promise((resolve) => logged.stream.on("end", resolve));
    await new k8s.Log(config).log(namespace, "node", "c", logged.stream, { follow: false });
    await ended;
    return {
      out: out.text(), err: err.text(), reason: status.reason, exit: status.details.causes[0].message,
      logged: logged.text(), page: await forwarded(namespace),
    };
  },
};

/** A page of the pod, through a local port. */
async function forwarded(namespace) {
  const forward = new k8s.PortForward(config);
  const local = net.createServer((socket) => forward.portForward(namespace, "node", [8080], socket, null, socket));
  await new Promise((resolve) => local.listen(0, "127.0.0.1", resolve));
  const socket = net.connect(local.address().port, "127.0.0.1");
  socket.write("GET / HTTP/1.0\r\n\r\n");
  let page = "";
  for await (const data of socket) {
    page += data;
    if (page.endsWith("hello\n")) break;
  }
  local.close();
  return page.split("\r\n\r\n")[1];
}

const seen = {};
for (const name of chosen) {
  const made = await core.createNamespace({ body: { metadata: { generateName: "node-" } } });
  try {
    seen[name] = await scenarios[name](made.metadata.name);
  } catch (error) {
    seen[name] = error.stack;
  }
  await core.deleteNamespace({ name: made.metadata.name });
}
console.log(JSON.stringify(seen));
process.exit(0);
