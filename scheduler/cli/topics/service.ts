/** `dexter help service` */
import { filled, type Topic } from "./topic.ts";

export const service: Topic = {
  name: "service",
  summary: "dexter under systemd, in a container, on Kubernetes",
  text: ({ width }) =>
    filled(
      `
The folder packaging/ of the package has what a machine needs to run dexter unattended; each file says at its head how to
install it.

  packaging/systemd/dexter.service      the unit
  packaging/systemd/wrangler.toml       its configuration, for /etc/dexter
  packaging/docker/Dockerfile           an image
  packaging/kubernetes/dexter.yaml      a Deployment with what belongs to it

Under systemd (Type=notify) dexter says when it serves, reloads and stops, and gives a sign of life in half of WatchdogSec as
long as its scheduler compares servers with what should be. It is the program systemd-notify that says so; without it, or
without NOTIFY_SOCKET, dexter runs all the same.

Ports below 1024 need the capability CAP_NET_BIND_SERVICE, which the unit gives. Servers do not inherit it where setpriv (of
util-linux) is there to take it away.

In a container, dexter must not be process 1 itself: a server leaves processes behind that only an init program collects. The
image has one.`,
      width,
    ),
};
