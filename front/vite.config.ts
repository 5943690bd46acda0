import { existsSync, readFileSync } from "node:fs";
import { type Plugin, defineConfig } from "vite";

const ICON = new URL("../assets/icon.svg", import.meta.url);

/** The web manifest and the icon it names, both with hashed names, linked from the page. */
function manifest(): Plugin {
  return {
    name: "godwit-manifest",
    apply: "build",
    buildStart() {
      if (existsSync(ICON)) this.emitFile({ type: "asset", name: "icon.svg", source: readFileSync(ICON) });
      else this.warn("assets/icon.svg is not there: the page is built without icon and manifest");
    },
    generateBundle: {
      order: "pre",
      handler(_options, bundle) {
        const icon = Object.values(bundle).find((one) => one.type === "asset" && one.names.includes("icon.svg"));
        if (icon === undefined) return;
        const source = JSON.stringify({
          name: "Godwit",
          short_name: "Godwit",
          description: "Live map of APRS",
          start_url: "/",
          display: "standalone",
          background_color: "#f4f2ec",
          theme_color: "#f4f2ec",
          icons: [{ src: `/${icon.fileName}`, type: "image/svg+xml", sizes: "any", purpose: "any" }],
        });
        this.emitFile({ type: "asset", name: "manifest.webmanifest", source });
      },
    },
    transformIndexHtml: {
      order: "post",
      handler(_html, context) {
        const link = (name: string, attrs: Record<string, string>) => {
          const found = Object.values(context.bundle ?? {}).find((one) => one.type === "asset" && one.names.includes(name));
          return found === undefined ? [] : [{ tag: "link", injectTo: "head" as const, attrs: { ...attrs, href: `/${found.fileName}` } }];
        };
        return [...link("icon.svg", { rel: "icon", type: "image/svg+xml" }), ...link("manifest.webmanifest", { rel: "manifest" })];
      },
    },
  };
}

const SHEET = JSON.parse(readFileSync(new URL("../assets/symbols/symbols.json", import.meta.url), "utf8")) as {
  symbols: { name: string; rotates: boolean }[];
};

/** The cells of the symbol sheet that turn with the course. */
function rotatingCells(): number[] {
  return SHEET.symbols.flatMap((symbol, cell) => (symbol.rotates ? [cell] : []));
}

/** `npm run dev` beside a running server: GODWIT_URL, or the mock server. */
const target = process.env["GODWIT_URL"] ?? "http://127.0.0.1:8090";

export default defineConfig({
  plugins: [manifest()],
  define: {
    __ROTATING_CELLS__: JSON.stringify(rotatingCells()),
    __SYMBOL_NAMES__: JSON.stringify(SHEET.symbols.map((symbol) => symbol.name)),
  },
  build: {
    outDir: "dist",
    assetsDir: "assets",
    target: ["es2022", "chrome111", "firefox114", "safari16.4"],
    // Inlined assets would be data: URLs in scripts; files are cached and hashed.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    fs: { allow: [".."] },
    proxy: { "/api": target, "/basemap": target, "/live": { target, ws: true } },
  },
});
