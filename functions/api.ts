/**
 * A JSON API with Hono: a todo list with validation, and errors that are JSON too.
 *
 * The list is a variable, so it belongs to one isolate: another thread of this function has a list of its
 * own, and both vanish with their isolates. `x-isolate` says who answered. Good for a cache; data that
 * must last belongs in a database.
 *
 *   curl http://127.0.0.1:8787/api/todos -H 'content-type: application/json' -d '{"title":"Buy tea"}'
 *   curl -i http://127.0.0.1:8787/api/todos
 */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";

interface Todo {
  readonly id: number;
  title: string;
  done: boolean;
}

const MAX_TODOS = 100;
const MAX_TITLE = 200;

const todos = new Map<number, Todo>();
let lastId = 0;
let isolate = "";

const api = new Hono()
  .get("/", (c) =>
    c.json({ endpoints: ["GET /todos", "POST /todos", "GET, PATCH, DELETE /todos/:id"], todos: todos.size }),
  )
  .get("/todos", (c) => c.json([...todos.values()]))
  .post("/todos", async (c) => {
    const { title, done = false } = readFields(await readJson(c.req));
    if (title === undefined) throw new HTTPException(422, { message: "title is missing" });
    if (todos.size >= MAX_TODOS) throw new HTTPException(409, { message: `the list is full (${MAX_TODOS})` });
    const todo: Todo = { id: ++lastId, title, done };
    todos.set(todo.id, todo);
    return c.json(todo, 201, { location: `${new URL(c.req.url).pathname.replace(/\/$/, "")}/${todo.id}` });
  })
  .get("/todos/:id", (c) => c.json(find(c.req.param("id"))))
  .patch("/todos/:id", async (c) => {
    const fields = readFields(await readJson(c.req));
    return c.json(Object.assign(find(c.req.param("id")), fields));
  })
  .delete("/todos/:id", (c) => {
    todos.delete(find(c.req.param("id")).id);
    return c.body(null, 204);
  });

const app = new Hono();
app.use(bodyLimit({ maxSize: 10_000, onError: (c) => c.json({ error: "the body is over 10 kB" }, 413) }));
app.use(async (c, next) => {
  await next();
  isolate ||= crypto.randomUUID().slice(0, 8); // Random values exist during requests only.
  c.header("x-isolate", isolate);
});
// The URL arrives unchanged: /api/todos on any host, /todos on the host api.localhost.
app.route("/api", api).route("/", api);
app.notFound((c) => c.json({ error: `nothing at ${c.req.method} ${c.req.path}` }, 404));
app.onError((error, c) => {
  if (error instanceof HTTPException) return c.json({ error: error.message }, error.status);
  throw error;
});

export default app;

function find(id: string): Todo {
  const todo = todos.get(Number(id));
  if (!todo) throw new HTTPException(404, { message: `there is no todo ${id}` });
  return todo;
}

async function readJson(request: { json(): Promise<unknown> }): Promise<unknown> {
  try {
    return await request.json();
  } catch {
    throw new HTTPException(400, { message: "the body is not JSON" });
  }
}

/** Returns the fields that `body` sets; throws 422 when one is of the wrong kind or unknown. */
function readFields(body: unknown): { title?: string; done?: boolean } {
  const invalid = (message: string) => new HTTPException(422, { message });
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw invalid("expected an object");
  const { title, done, ...others } = body as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`unknown field ${unknown}`);

  const fields: { title?: string; done?: boolean } = {};
  if (title !== undefined) {
    if (typeof title !== "string" || title.trim() === "") throw invalid("title must be a text");
    if (title.length > MAX_TITLE) throw invalid(`title has over ${MAX_TITLE} characters`);
    fields.title = title.trim();
  }
  if (done !== undefined) {
    if (typeof done !== "boolean") throw invalid("done must be true or false");
    fields.done = done;
  }
  return fields;
}
