// Elements. Text only ever enters through text nodes and attributes, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function put(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const el = (tag, properties = {}, ...children) =>
  put(document.createElement(tag), properties, children);
export const svgEl = (tag, properties = {}, ...children) =>
  put(document.createElementNS(SVG, tag), properties, children);
