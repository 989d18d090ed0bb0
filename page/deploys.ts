/** What went live when, by whom; and the way back, for who may take it. */
import { byId, element, list, setAttribute, setText } from "./dom.ts";
import { moment } from "./format.ts";
import type { Shown } from "./memory.ts";
import type { NodeCalls } from "./node-calls.ts";
import { RollbackDialog } from "./rollback-dialog.ts";
import type { CallerAnswer, Deploy } from "./wire.ts";

const HEADS = ["When", "Function", "What", "Version", "By", "State"];

export class DeployTable {
  readonly #body = element("tbody");
  readonly #dialog = new RollbackDialog();
  #mayChange = false;
  #calls: NodeCalls | undefined;

  constructor() {
    const caption = element("caption", { class: "unseen" }, "Deploys and rollbacks, the latest first");
    const heads = HEADS.map((title) => element("th", { scope: "col" }, title));
    byId("deploys").append(
      element("table", {}, caption, element("thead", {}, element("tr", {}, ...heads)), this.#body),
    );
  }

  /** Who looks decides whether there is a way back. The node decides again. */
  setCaller({ scope }: CallerAnswer, calls: NodeCalls): void {
    this.#mayChange = scope === "deploy" || scope === "admin";
    this.#calls = calls;
  }

  show({ deploys }: Shown): void {
    byId("no-deploys").hidden = deploys.length > 0;
    byId("deploys").hidden = deploys.length === 0;
    list<Deploy>(this.#body, deploys, {
      key: (deploy) => `${deploy.function} ${deploy.at} ${deploy.version}`,
      make: (deploy) => this.#make(deploy),
      update: (made, deploy) => this.#update(made, deploy),
    });
  }

  #make(deploy: Deploy): HTMLElement {
    const { at, action, version, by } = deploy;
    const button = element("button", { type: "button" }, "Roll back");
    setAttribute(button, "aria-label", `Roll back ${deploy.function} to ${version}`);
    button.addEventListener("click", () => {
      if (this.#calls) this.#dialog.ask(deploy, this.#calls);
    });
    return element(
      "tr",
      {},
      element("td", {}, element("time", { datetime: at }, moment(at))),
      element("th", { scope: "row" }, deploy.function),
      element("td", {}, action),
      element("td", {}, element("code", {}, version)),
      element("td", {}, by),
      element("td", {}, element("span", { class: "state" }), button),
    );
  }

  #update(made: HTMLElement, { live, kept }: Deploy): void {
    const [state, button] = made.lastElementChild!.children as unknown as [HTMLElement, HTMLElement];
    setText(state, live ? "live" : kept ? "" : "not kept");
    setAttribute(state, "data-live", live ? "yes" : undefined);
    button.hidden = live || !kept || !this.#mayChange;
  }
}
