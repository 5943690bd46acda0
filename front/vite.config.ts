import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Plugin, defineConfig } from "vite";

const asset = (name: string) => readFileSync(new URL(`../assets/${name}`, import.meta.url));
/** Of `npm run icons` in assets/: file, and what the manifest says of it. */
const ICONS = [
  { file: "icon.svg", type: "image/svg+xml", sizes: "any", purpose: "any" },
  { file: "icon-192.png", type: "image/png", sizes: "192x192", purpose: "any" },
  { file: "icon-512.png", type: "image/png", sizes: "512x512", purpose: "any" },
  { file: "icon-maskable-512.png", type: "image/png", sizes: "512x512", purpose: "maskable" },
];
const APPLE_ICON = "icon-apple-180.png";

type Bundle = Record<string, { type: string; fileName: string; names?: string[] }>;
const fileOf = (bundle: Bundle, name: string) => Object.values(bundle).find((one) => one.type === "asset" && one.names?.includes(name))?.fileName;

/** The web manifest and its icons. Icons have hashed names; the manifest keeps its own, by which browsers know an installed page. */
function manifest(): Plugin {
  return {
    name: "godwit-manifest",
    apply: "build",
    buildStart() {
      for (const name of [...ICONS.map((one) => one.file), APPLE_ICON]) this.emitFile({ type: "asset", name, source: asset(name) });
    },
    generateBundle: {
      order: "pre",
      handler(_options, bundle) {
        const source = JSON.stringify({
          id: "/",
          name: "Godwit",
          short_name: "Godwit",
          description: "Live map of APRS, the packet network of amateur radio",
          start_url: "/",
          scope: "/",
          display: "standalone",
          background_color: "#f4f2ec",
          theme_color: "#f4f2ec",
          categories: ["navigation", "utilities"],
          icons: ICONS.map(({ file, ...icon }) => ({ src: `/${fileOf(bundle as Bundle, file)}`, ...icon })),
        });
        this.emitFile({ type: "asset", fileName: "manifest.webmanifest", source });
      },
    },
    transformIndexHtml: {
      order: "post",
      handler(_html, context) {
        const bundle = (context.bundle ?? {}) as Bundle;
        const link = (attrs: Record<string, string>) => ({ tag: "link", injectTo: "head" as const, attrs });
        return [
          link({ rel: "icon", type: "image/svg+xml", href: `/${fileOf(bundle, "icon.svg")}` }),
          link({ rel: "apple-touch-icon", href: `/${fileOf(bundle, APPLE_ICON)}` }),
          link({ rel: "manifest", href: "/manifest.webmanifest" }),
        ];
      },
    },
  };
}

/** Tells the service worker which files make the page, and a version that is another one when any of them is. */
function serviceWorker(): Plugin {
  /** A language is kept when it is used; of the icons and of what Leaflet's style sheet names the page shows nothing. */
  const needed = (name: string) => /\.(js|css|svg|webmanifest)$/.test(name) && !/(texts|fields|symbolnames|about-routes)\.(de|es|fr)-/.test(name) && name !== "sw.js";
  return {
    name: "godwit-service-worker",
    apply: "build",
    writeBundle(options, bundle) {
      const folder = options.dir ?? "dist";
      const files = Object.keys(bundle).filter(needed).map((name) => `/${name}`).sort();
      const hash = createHash("sha256").update(files.join("\n"));
      // These two have no hash in their names.
      for (const name of ["index.html", "manifest.webmanifest"]) hash.update(readFileSync(join(folder, name)));
      const version = hash.digest("hex").slice(0, 16);
      const path = join(folder, "sw.js");
      const filled = readFileSync(path, "utf8").replace("__FILES__", JSON.stringify(["/", ...files])).replace("__VERSION__", JSON.stringify(version));
      if (filled.includes("__FILES__") || filled.includes("__VERSION__")) throw new Error("sw.js names its files or its version more than once");
      writeFileSync(path, filled);
    },
  };
}

const SHEET = JSON.parse(readFileSync(new URL("../assets/symbols/symbols.json", import.meta.url), "utf8")) as {
  symbols: { rotates: boolean }[];
};

/** The cells of the symbol sheet that turn with the course. */
function rotatingCells(): number[] {
  return SHEET.symbols.flatMap((symbol, cell) => (symbol.rotates ? [cell] : []));
}

/** `npm run dev` beside a running server: GODWIT_URL, or the mock server. */
const target = process.env["GODWIT_URL"] ?? "http://127.0.0.1:8090";

export default defineConfig({
  plugins: [manifest(), serviceWorker()],
  define: {
    __ROTATING_CELLS__: JSON.stringify(rotatingCells()),
  },
  build: {
    outDir: "dist",
    assetsDir: "assets",
    target: ["es2022", "chrome111", "firefox114", "safari16.4"],
    // Inlined assets would be data: URLs in scripts; files are cached and hashed.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: "index.html", sw: "src/sw/worker.ts" },
      // A worker sees what lies beside and below it: it must lie at the top, under a name that stays.
      output: { entryFileNames: (chunk) => (chunk.name === "sw" ? "sw.js" : "assets/[name]-[hash].js") },
    },
    reportCompressedSize: false,
  },
  server: {
    fs: { allow: [".."] },
    proxy: { "/api": target, "/basemap": target, "/live": { target, ws: true } },
  },
});
