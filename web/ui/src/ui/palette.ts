// Colours for canvases, resolved from the style sheet; and the looks of series.

const resolved = new Map<string, string>();

export function forgetColours(): void {
  resolved.clear();
}

// A custom property's colour in the theme of now. light-dark() needs a real element to be resolved.
export function colour(name: string): string {
  let value = resolved.get(name);
  if (value === undefined) {
    const probe = document.createElement('span');
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    value = getComputedStyle(probe).color;
    probe.remove();
    resolved.set(name, value);
  }
  return value;
}

const kColours = 8;
const kDashes: number[][] = [[], [7, 3], [2, 3], [9, 3, 2, 3]];

// Colour first, then dashes: 32 looks before one repeats, and no two neighbours by colour alone.
export function seriesLook(index: number): { colour: string; name: string; dash: number[] } {
  const name = `series-${(index % kColours) + 1}`;
  return { name, colour: colour(name), dash: kDashes[Math.floor(index / kColours) % kDashes.length] ?? [] };
}
