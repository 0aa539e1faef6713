// What is drawn in a chart can be pressed: which cell, bar or point it was is told to Python, once a press.

const telling = new Map()
const listening = new WeakMap()
const STILL = 8 // pixels

let down = { clientX: 0, clientY: 0 }
let moved = false

function told({ curveNumber, pointNumber, customdata }) {
  const [row, column] = Array.isArray(pointNumber) ? pointNumber : [pointNumber, 0]
  return { trace: curveNumber, row, column, number: Number.isInteger(customdata) ? customdata : -1 }
}

function pressed(chart, point) {
  if (moved) return // plotly takes the end of a swipe for a press
  const frame = chart.closest("[class*=st-key-press-]")
  for (const [element, tell] of telling) if (frame.contains(element)) tell(told(point))
}

function listen({ target, clientX, clientY }) {
  down = { clientX, clientY }
  moved = false
  const chart = target.closest?.("[class*=st-key-press-] .js-plotly-plot")
  if (!chart?.on) return
  if (!listening.has(chart)) listening.set(chart, ({ points }) => pressed(chart, points[0]))
  // At each press anew: plotly forgets who listens where it draws a chart from the beginning.
  chart.removeListener("plotly_click", listening.get(chart))
  chart.on("plotly_click", listening.get(chart))
}

function move({ clientX, clientY }) {
  if (Math.hypot(clientX - down.clientX, clientY - down.clientY) > STILL) moved = true
}

function cancel() {
  moved = true
}

// Once for the window, however many charts there are.
if (!window.poolingHearsPresses) {
  window.poolingHearsPresses = true
  document.addEventListener("pointerdown", listen, true)
  document.addEventListener("pointermove", move, true)
  document.addEventListener("pointerup", move, true)
  document.addEventListener("pointercancel", cancel, true)
}

export default function ({ data, parentElement, setTriggerValue }) {
  telling.set(parentElement, (point) => {
    setTriggerValue("pressed", point)
    if (!data) return
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches
    document.querySelector(`.st-key-${data}`)?.scrollIntoView({ block: "start", behavior: still ? "auto" : "smooth" })
  })
  return () => telling.delete(parentElement)
}
