/** `/about`: what this is, of what it is made, and whose work is in it. */
import { Row } from "../ui/panels/rows";
import { pagePath } from "./address";
import type { PageProps } from "./frame";
import { Section } from "./parts";
import { type PageText, p } from "./texts";

const SOURCE = "https://github.com/godwit-aprs/godwit";

/** Whose work is shown or shipped; the full notices lie beside the sources. */
const THANKS: readonly { what: PageText; whose: string; licence: string; url: string }[] = [
  { what: "about.basemap", whose: "Natural Earth", licence: "public domain", url: "https://www.naturalearthdata.com" },
  { what: "about.devices", whose: "Heikki Hannikainen, OH7LZB: aprs-deviceid", licence: "CC BY-SA 2.0", url: "https://github.com/aprsorg/aprs-deviceid" },
  { what: "about.symbols", whose: "Material Design Icons (Pictogrammers)", licence: "Apache-2.0", url: "https://pictogrammers.com" },
  { what: "about.symbols", whose: "Maki (Mapbox), Temaki", licence: "CC0-1.0", url: "https://labs.mapbox.com/maki-icons/" },
  { what: "about.symbols", whose: "Tabler Icons (Paweł Kuna)", licence: "MIT", url: "https://tabler.io/icons" },
  { what: "about.symbols", whose: "Lucide", licence: "ISC", url: "https://lucide.dev" },
  { what: "about.page", whose: "Leaflet (Volodymyr Agafonkin)", licence: "BSD-2-Clause", url: "https://leafletjs.com" },
  { what: "about.page", whose: "Preact, Preact Signals", licence: "MIT", url: "https://preactjs.com" },
  { what: "about.page", whose: "vector-tile, pbf (Mapbox)", licence: "BSD-3-Clause", url: "https://github.com/mapbox/vector-tile-js" },
  { what: "about.page", whose: "togeojson (Mapbox, Tom MacWright)", licence: "BSD-2-Clause", url: "https://github.com/placemark/togeojson" },
];

/** An operator's attribution may be HTML; here it is text. Parsing runs nothing. */
function plain(html: string): string {
  return new DOMParser().parseFromString(html, "text/html").body.textContent ?? "";
}

export function About({ settings }: PageProps) {
  return (
    <>
      <h1>{p("title.about")}</h1>
      <p class="lead">{p("about.what")}</p>
      <p>{p("about.aprs")}</p>
      <div class="columns">
        <Section id="program" title={p("about.program")}>
          <dl>
            {settings.version !== "" && <Row title={p("about.version")}>Godwit {settings.version}</Row>}
            <Row title={p("about.licence")}>MIT</Row>
            <Row title={p("about.source")}><a href={SOURCE} rel="noreferrer">{SOURCE.replace("https://", "")}</a></Row>
            <Row title={p("about.data")}>{p(settings.demo ? "about.data.demo" : "about.data.live")}</Row>
            <Row title={p("about.more")}><a href={pagePath("status")}>{p("title.status")}</a> · <a href={pagePath("api")}>{p("title.api")}</a></Row>
          </dl>
        </Section>
        <Section id="privacy" title={p("about.privacy")}><p>{p("about.privacy.text")}</p></Section>
      </div>
      <Section id="thanks" title={p("about.thanks")}>
        <div class="wide" tabIndex={0} role="group" aria-label={p("about.thanks")}>
          <table>
            <thead><tr><th scope="col">{p("about.for")}</th><th scope="col">{p("about.whose")}</th><th scope="col">{p("about.licence")}</th></tr></thead>
            <tbody>
              {THANKS.map((one) => (
                <tr key={one.whose}><td>{p(one.what)}</td><th scope="row"><a href={one.url} rel="noreferrer">{one.whose}</a></th><td>{one.licence}</td></tr>
              ))}
              {settings.basemaps.map((one) => (
                <tr key={one.id}><td>{one.name}</td><th scope="row">{plain(one.attribution)}</th><td /></tr>
              ))}
            </tbody>
          </table>
        </div>
        <p class="faint">{p("about.notices")}</p>
      </Section>
    </>
  );
}
