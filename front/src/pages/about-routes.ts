/** What the routes of the API and their parameters are, in the language that is shown. English is as the server says it. */
import { ownTexts } from "../ui/i18n";

/** By the path of a route below /api/v1; by the name of a parameter, or by both as "/packets?limit" where it is another thing than elsewhere. */
export type About = Readonly<Record<string, string>>;

const about = ownTexts<About>({}, {
  de: () => import("./about-routes.de").then((found) => found.about),
  es: () => import("./about-routes.es").then((found) => found.about),
  fr: () => import("./about-routes.fr").then((found) => found.about),
});

const below = (path: string) => path.replace(/^\/api\/v1/, "");

/** What a route answers, or null: then it is as the server said it. */
export function aboutRoute(path: string): string | null {
  return about.table.value[below(path)] ?? null;
}

/** The same of one of its parameters. */
export function aboutParameter(path: string, name: string): string | null {
  return about.table.value[`${below(path)}?${name}`] ?? about.table.value[name] ?? null;
}
