// Where a link leads to a part of a page, that part is brought into sight once, and held there while all above it grows.

const GROWS = 3000
const led = new WeakSet()

export default function ({ parentElement }) {
  if (led.has(parentElement)) return
  led.add(parentElement)
  const part = parentElement.closest("[class*=st-key-arrival]")
  const growing = new ResizeObserver(() => part.scrollIntoView({ block: "start", behavior: "instant" }))
  growing.observe(document.querySelector("[data-testid=stMainBlockContainer]"))
  const end = () => growing.disconnect()
  setTimeout(end, GROWS)
  for (const act of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(act, end, { once: true })
}
