/** Writes .br and .gz beside each text file of the build, at the highest effort: the server sends them as they are. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url).pathname;
const TEXT = /\.(html|js|css|svg|json|webmanifest|txt)$/;

for (const name of readdirSync(DIST, { recursive: true })) {
  if (!TEXT.test(name)) continue;
  const path = join(DIST, name);
  const plain = readFileSync(path);
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
  for (const [ending, packed] of [["br", brotliCompressSync(plain, { params })], ["gz", gzipSync(plain, { level: 9 })]]) {
    // A file that does not shrink is sent plain.
    if (packed.length < plain.length) writeFileSync(`${path}.${ending}`, packed);
    else rmSync(`${path}.${ending}`, { force: true });
  }
}
