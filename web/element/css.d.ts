/** Style sheets are imported as text: `import css from "./styles.css" with { type: "text" }`. */
declare module "*.css" {
  const text: string;
  export default text;
}
