/** The operator's colour. */

/** Sets it, and black or white on it, whichever is easier to read. Anything but `#rrggbb` is ignored. */
export function applyAccent(accent: string): void {
  const channels = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(accent)?.slice(1);
  if (!channels) return;
  const root = document.documentElement.style;
  root.setProperty("--accent", accent);
  root.setProperty("--on-accent", luminance(channels) > BLACK_IS_BETTER ? "#000" : "#fff");
}

/** Above this luminance black has more contrast than white (WCAG 2, 1.4.3). */
const BLACK_IS_BETTER = 0.179;

/** The relative luminance of sRGB, as WCAG 2 defines it. */
function luminance(channels: readonly string[]): number {
  const [red = 0, green = 0, blue = 0] = channels.map((hex) => {
    const value = Number.parseInt(hex, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
