import { readFileSync } from "node:fs";
import { type Plugin, defineConfig } from "vite";

/** The web manifest and the icon it names, both with hashed names, linked from the page. */
function manifest(): Plugin {
  const icon = new URL("../assets/icon.svg", import.meta.url);
  return {
    name: "godwit-manifest",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_html, context) {
        const named = (name: string) => {
          const found = Object.values(context.bundle ?? {}).find((one) => one.type === "asset" && one.names.includes(name));
          if (found === undefined) throw new Error(`the build has no ${name}`);
          return `/${found.fileName}`;
        };
        return [
          { tag: "link", injectTo: "head", attrs: { rel: "icon", type: "image/svg+xml", href: named("icon.svg") } },
          { tag: "link", injectTo: "head", attrs: { rel: "manifest", href: named("manifest.webmanifest") } },
        ];
      },
    },
    buildStart() {
      this.emitFile({ type: "asset", name: "icon.svg", source: readFileSync(icon) });
    },
    generateBundle: {
      order: "pre",
      handler(_options, bundle) {
        const iconFile = Object.values(bundle).find((one) => one.type === "asset" && one.names.includes("icon.svg"));
        this.emitFile({
          type: "asset",
          name: "manifest.webmanifest",
          source: JSON.stringify({
            name: "Godwit",
            short_name: "Godwit",
            description: "Live map of APRS",
            start_url: "/",
            display: "standalone",
            background_color: "#f4f2ec",
            theme_color: "#f4f2ec",
            icons: [{ src: `/${iconFile?.fileName}`, type: "image/svg+xml", sizes: "any", purpose: "any" }],
          }),
        });
      },
    },
  };
}

export default defineConfig({
  plugins: [manifest()],
  build: {
    outDir: "dist",
    assetsDir: "assets",
    target: ["es2022", "chrome111", "firefox114", "safari16.4"],
    // Inlined assets would be data: URLs in scripts; files are cached and hashed.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { fs: { allow: [".."] }, proxy: proxy() },
});

/** `npm run dev` beside a running server (GODWIT_URL, or the mock server). */
function proxy() {
  const target = process.env["GODWIT_URL"] ?? "http://127.0.0.1:8090";
  return { "/api": target, "/basemap": target, "/live": { target, ws: true } };
}
