// Copies a link without showing it: a class may see this screen.

export default function ({ parentElement, data }) {
  const find = (what) => parentElement.querySelector(what)
  const [button, said, field] = ["button", "[role=status]", "input"].map(find)
  button.textContent = data.label
  if (parentElement.copied !== data.link) said.textContent = ""
  button.onclick = async () => {
    field.hidden = true
    try {
      await navigator.clipboard.writeText(data.link)
      said.textContent = "Copied."
      parentElement.copied = data.link
    } catch {
      // No clipboard without https: the older way, then the teacher's own hand.
      field.value = data.link
      field.hidden = false
      field.select()
      const copied = document.execCommand("copy")
      field.hidden = copied
      said.textContent = copied ? "Copied." : "Copy it by hand:"
      parentElement.copied = data.link
    }
  }
}
