/**
 * Colours of costs: the more bits, the further from the paper. After ColorBrewer's YlGnBu (https://colorbrewer2.org), whose
 * lightness alone tells the steps apart, with colour vision or without; text stands out from every step by 4.5 to 1.
 *
 * @module
 */

/** Bits from which a step begins; below the first, nothing is coloured. */
export const STEPS = [0.05, 0.25, 0.5, 1, 2, 4, 6, 9] as const;

/** A background and the text on it. */
export type Shade = readonly [paper: string, ink: string];

export interface Theme {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly panel: string;
  readonly accent: string;
  /** One more than {@link STEPS}: the first is what costs nearly nothing. */
  readonly shades: readonly Shade[];
}

export const LIGHT: Theme = {
  paper: '#ffffff',
  ink: '#1f2328',
  soft: '#57606a',
  line: '#d8dee4',
  panel: '#f6f8fa',
  accent: '#d55e00',
  shades: [
    ['#ffffff', '#1f2328'],
    ['#fbfde0', '#1f2328'],
    ['#edf8b1', '#1f2328'],
    ['#c7e9b4', '#1f2328'],
    ['#8fd3bd', '#1f2328'],
    ['#55bcc6', '#10202c'],
    ['#2f9ac6', '#06121c'],
    ['#225ea8', '#ffffff'],
    ['#10226b', '#ffffff'],
  ],
};

export const DARK: Theme = {
  paper: '#0d1117',
  ink: '#e6edf3',
  soft: '#9aa4ae',
  line: '#30363d',
  panel: '#151b23',
  accent: '#ff8a3d',
  shades: [
    ['#0d1117', '#e6edf3'],
    ['#111c36', '#e6edf3'],
    ['#152a5c', '#eef4f8'],
    ['#1d4484', '#ffffff'],
    ['#2067a3', '#ffffff'],
    ['#3794bd', '#06121c'],
    ['#5cbfc0', '#06121c'],
    ['#a4dcb5', '#06121c'],
    ['#f3fbc2', '#06121c'],
  ],
};
