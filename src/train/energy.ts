/**
 * What a training run costs: time from the measured speed, energy from a stated power.
 *
 * @module
 */

/** `35 s`, `12 min` or `3.5 h` */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** `850 J`, `12.5 Wh` or `12 kWh` */
export function formatEnergy(joules: number): string {
  const wattHours = joules / 3600;
  if (wattHours < 1) return `${Math.round(joules)} J`;
  return wattHours < 1000 ? `${wattHours.toFixed(1)} Wh` : `${(wattHours / 1000).toFixed(1)} kWh`;
}

/** `35.1 h, 3.5 kWh at 98 W`, the energy where the power is known */
export function formatCost(seconds: number, watts: number | undefined): string {
  const time = formatDuration(seconds);
  return watts === undefined ? time : `${time}, ${formatEnergy(seconds * watts)} at ${watts} W`;
}
