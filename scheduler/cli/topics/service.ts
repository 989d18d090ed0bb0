/** `dexter help service` */
import { filled, type Topic } from "./topic.ts";

export const service: Topic = {
  name: "service",
  summary: "dexter under systemd, in a container, on Kubernetes",
  text: ({ width }) =>
    filled(
      `
The folder packaging/ of the package has files to run dexter as a service; the first lines of each say how to install it.

  packaging/systemd/dexter.service      the unit
  packaging/systemd/wrangler.toml       its configuration, for /etc/dexter
  packaging/docker/Dockerfile           an image
  packaging/kubernetes/dexter.yaml      a Deployment with what belongs to it

Under systemd (Type=notify) dexter reports when it is ready, reloads and stops. As long as its scheduler works, it also reports
to the watchdog, twice in each WatchdogSec. It uses the program systemd-notify; without that program, or without NOTIFY_SOCKET,
dexter runs without these reports.

Ports below 1024 need the capability CAP_NET_BIND_SERVICE, which the unit grants. Where setpriv (of util-linux) is installed,
servers do not inherit it.

In a container, dexter must not be process 1: a server leaves processes behind that only an init program reaps. The image has
an init program.

Where stdout and stderr are no terminals, dexter writes one JSON object a line; "dexter start --help" has the details.`,
      width,
    ),
};
