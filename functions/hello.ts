/**
 * The smallest function: any request gets one line of text.
 *
 *   curl http://127.0.0.1:8787/hello
 */
export default {
  fetch() {
    return new Response("Hello World\n");
  },
} satisfies ExportedHandler;
