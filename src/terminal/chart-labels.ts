/**
 * Labels beside the ends of a chart's lines.
 *
 * @module
 */

/**
 * Moves labels apart that would cover each other.
 *
 * @param wanted  where each would stand, downwards
 * @param gap     the least distance
 * @param floor   none is moved below this, unless there are too many
 * @returns where each stands, in the order given
 */
export function spreadLabels(wanted: readonly number[], gap: number, floor = Infinity): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const placed = [...wanted];
  let next = -Infinity;
  order.forEach((label, i) => {
    const lowest = floor - gap * (order.length - 1 - i);
    placed[label] = Math.max(next, Math.min(wanted[label], lowest));
    next = placed[label] + gap;
  });
  return placed;
}
