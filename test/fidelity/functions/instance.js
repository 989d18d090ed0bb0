// An instance of a class as the default export, its handler on the prototype, as router libraries do.
class App {
  #routes = new Map([["/", () => new Response("a class instance")]]);

  get fetch() {
    return (request) => this.#routes.get(new URL(request.url).pathname)?.(request) ?? this.#missing(request);
  }

  #missing(request) {
    return new Response(`no route ${new URL(request.url).pathname}`, { status: 404 });
  }

  scheduled() {}
}

export default new App();
