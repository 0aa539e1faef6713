// The browser's own dialog, which also makes a PDF.

export default function ({ parentElement }) {
  parentElement.querySelector("button").onclick = () => window.print()
}
