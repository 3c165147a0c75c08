/**
 * Removes comments and meaningless white space from a style sheet. Bun's own minifier rewrites
 * `light-dark()` for old browsers, which costs more than it saves and breaks theming by
 * `color-scheme`.
 */
export function minifyCss(css: string): string {
  return css
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\s+/g, " ")
    .replace(/ ?([{};,]) ?/g, "$1")
    .replace(/: (?=[^{}]*[;}])/g, ":")
    .replace(/;}/g, "}")
    .trim();
}
