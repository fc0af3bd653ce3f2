/** Making elements. Texts are texts, never markup. */

type Child = Node | string | undefined;

/** An element with properties and children. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** A button. */
export function button(label: string, onclick: () => void, className = ""): HTMLButtonElement {
  return el("button", { type: "button", className, onclick }, label);
}

/** Terms and what they are. */
export function facts(...rows: readonly (readonly [string, Child])[]): HTMLDListElement {
  return el("dl", {}, ...rows.map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value))));
}
