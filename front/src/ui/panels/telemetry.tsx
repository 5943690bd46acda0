/** Telemetry as it was sent: without the equations that its station may have sent apart, and said so. */
import type { StationDetail } from "../api";
import { number, t } from "../i18n";

export function TelemetryValues({ telemetry }: { telemetry: NonNullable<StationDetail["telemetry"]> }) {
  const values = (telemetry.values ?? []).slice(0, 5);
  if (values.length === 0 && telemetry.bits === undefined) return null;
  return (
    <section class="telemetry" aria-labelledby="telemetry-title">
      <h3 id="telemetry-title">
        {t("card.telemetry")}
        {telemetry.sequence !== undefined && <span class="faint"> · #{telemetry.sequence}</span>}
      </h3>
      <dl class="figures">
        {values.map((value, i) => value !== null && Number.isFinite(value) && (
          <div class="row" key={i}>
            <dt>{t("card.telemetry.channel", { number: i + 1 })}</dt>
            <dd>{number(value, Number.isInteger(value) ? 0 : 2)}</dd>
          </div>
        ))}
        {telemetry.bits !== undefined && (
          <div class="row">
            <dt>{t("card.telemetry.bits")}</dt>
            <dd>{telemetry.bits}</dd>
          </div>
        )}
      </dl>
    </section>
  );
}
