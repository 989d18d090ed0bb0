/**
 * Heavy on the CPU: a picture of the Mandelbrot set, drawn and packed as a PNG for each request. The
 * default size takes some 20 ms; `width` and `height` (at most 1024) say how much to burn, and the
 * response header `server-timing` what it took. One isolate draws one picture at a time, so this is the
 * function to watch the scheduler with: send many at once and look at `npx dexter status --watch`.
 *
 *   curl -s -o /tmp/mandelbrot.png -D - 'http://127.0.0.1:8787/render?width=640&height=400'
 */
export default {
  async fetch(request) {
    const query = new URL(request.url).searchParams;
    const view: View = {
      width: Math.round(readNumber(query, "width", 360, 16, 1024)),
      height: Math.round(readNumber(query, "height", 240, 16, 1024)),
      x: readNumber(query, "x", -0.7, -2, 2),
      y: readNumber(query, "y", 0, -2, 2),
      zoom: readNumber(query, "zoom", 1, 0.5, 1e12),
    };
    const started = performance.now();
    const png = await encodePng(view.width, view.height, draw(view));
    const tookMs = (performance.now() - started).toFixed(1);
    return new Response(png, {
      headers: { "content-type": "image/png", "server-timing": `draw;dur=${tookMs}` },
    });
  },
} satisfies ExportedHandler;

interface View {
  readonly width: number;
  readonly height: number;
  /** The middle of the picture. */
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

const MAX_STEPS = 200;

/** Draws rows of RGB pixels, each row after the zero byte that PNG calls "no filter". */
function draw({ width, height, x, y, zoom }: View): Uint8Array {
  const rows = new Uint8Array(height * (1 + width * 3));
  const scale = 2.6 / (Math.min(width, height) * zoom);
  let at = 0;
  for (let row = 0; row < height; row++) {
    at++;
    for (let column = 0; column < width; column++) {
      const steps = escapeSteps(x + (column - width / 2) * scale, y + (row - height / 2) * scale);
      const glow = steps === MAX_STEPS ? 0 : Math.log(1 + steps) / Math.log(MAX_STEPS);
      rows[at++] = 12 + 240 * glow ** 4;
      rows[at++] = 22 + 225 * glow ** 2;
      rows[at++] = 30 + 190 * glow ** 1.5;
    }
  }
  return rows;
}

/** How many times z → z² + c can be applied before z leaves the circle of radius 2. */
function escapeSteps(cx: number, cy: number): number {
  let zx = 0;
  let zy = 0;
  let steps = 0;
  for (; steps < MAX_STEPS && zx * zx + zy * zy < 4; steps++) {
    [zx, zy] = [zx * zx - zy * zy + cx, 2 * zx * zy + cy];
  }
  return steps;
}

/** Packs rows of 8-bit RGB as a PNG file (https://www.w3.org/TR/png/). */
async function encodePng(width: number, height: number, rows: Uint8Array): Promise<Blob> {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, width);
  header.setUint32(4, height);
  header.setUint8(8, 8); // bits a channel
  header.setUint8(9, 2); // RGB
  const packed = new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate"));
  const data = new Uint8Array(await new Response(packed).arrayBuffer());
  return new Blob([
    new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk("IHDR", new Uint8Array(header.buffer)),
    pngChunk("IDAT", data),
    pngChunk("IEND", new Uint8Array()),
  ]);
}

function pngChunk(type: string, data: Uint8Array): Uint8Array {
  const chunk = new Uint8Array(data.length + 12);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(data, 8);
  view.setUint32(data.length + 8, crc32(chunk.subarray(4, data.length + 8)));
  return chunk;
}

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

function readNumber(
  query: URLSearchParams,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  const value = Number.parseFloat(query.get(name) ?? "");
  return Number.isNaN(value) ? fallback : Math.min(Math.max(value, min), max);
}
