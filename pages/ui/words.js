// The words of the field that a page uses: a folded list of what they mean, and each explained where it stands first.
//
// What is underlined is not changed: the page is drawn by Streamlit, so a highlight is laid over its text. A mouse that
// rests on such a word, or a finger that taps it, gets its meaning; the list is there for the keyboard.

const READ = ["[data-testid=stMain]", "[data-testid=stSidebar]"]
const SKIPPED = "[data-testid=stIconMaterial], code, pre, svg, textarea, style, .katex, .pp-strip, .pp-rows, .pp-quoted, .pp-chunks, .pp-words, [data-testid=stDataFrame]"
const PRESSED = "button, a, summary, [role=option]"

let terms = []
let places = new Map()
let list

function pattern() {
  const forms = terms.flatMap(({ name, forms }) => [name, ...forms])
  const escaped = forms.sort((a, b) => b.length - a.length).map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
  return new RegExp(`(?<![\\p{L}\\p{N}-])(?:${escaped.join("|")})(?![\\p{L}\\p{N}])`, "giu")
}

function read() {
  const byForm = new Map(terms.flatMap((term) => [term.name, ...term.forms].map((form) => [form.toLowerCase(), term])))
  const wanted = pattern()
  const used = new Set()
  places = new Map()
  for (const part of READ.map((one) => document.querySelector(one)).filter(Boolean)) {
    const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) {
      const text = walker.currentNode
      if (text.parentElement.closest(SKIPPED)) continue
      for (const match of text.data.matchAll(wanted)) {
        const term = byForm.get(match[0].toLowerCase())
        used.add(term)
        if (places.has(term) || text.parentElement.closest(PRESSED)) continue
        const range = new Range()
        range.setStart(text, match.index)
        range.setEnd(text, match.index + match[0].length)
        if (range.getClientRects().length) places.set(term, range)
      }
    }
  }
  window.CSS.highlights?.set("pp-term", new Highlight(...places.values()))
  write([...used])
}

function write(used) {
  const names = used.map(({ name }) => name).join(", ")
  if (!list || list.dataset.names === names) return
  list.dataset.names = names
  list.querySelector("summary span").textContent = names
  list.querySelector("dl").replaceChildren(
    ...used.flatMap(({ name, means }) => [
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: means }),
    ]),
  )
}

function under({ clientX: x, clientY: y, target }) {
  if (!target.closest?.(READ.join())) return undefined
  for (const [term, range] of places) {
    for (const { left, right, top, bottom } of range.getClientRects()) {
      if (x >= left && x <= right && y >= top && y <= bottom) return { term, left, bottom, top }
    }
  }
  return undefined
}

let box

function show(found) {
  document.documentElement.classList.toggle("pp-on-term", Boolean(found))
  if (!found) {
    box?.remove()
    box = undefined
    return
  }
  if (box?.dataset.term === found.term.name) return
  box?.remove()
  box = Object.assign(document.createElement("div"), { className: "pp-meaning", role: "tooltip" })
  box.dataset.term = found.term.name
  const name = Object.assign(document.createElement("strong"), { textContent: found.term.name })
  box.append(name, `: ${found.term.means}`)
  document.body.append(box)
  const { width, height } = box.getBoundingClientRect()
  const below = found.bottom + 6
  box.style.left = `${Math.max(8, Math.min(found.left, window.innerWidth - width - 8))}px`
  box.style.top = `${below + height < window.innerHeight ? below : found.top - height - 6}px`
}

let waiting

function later() {
  clearTimeout(waiting)
  waiting = setTimeout(read, 200)
}

// Once for the window, however often the component is mounted.
function listen() {
  if (window.poolingWords) return
  window.poolingWords = true
  new MutationObserver((changes) => {
    if (changes.some(({ target }) => !(target.parentElement ?? target).closest?.(".pp-words, svg, .pp-meaning"))) later()
  }).observe(document.body, { childList: true, subtree: true, characterData: true })
  document.addEventListener("pointermove", (event) => event.pointerType === "mouse" && show(under(event)))
  document.addEventListener("pointerup", (event) => event.pointerType !== "mouse" && show(under(event)))
  document.addEventListener("keydown", (event) => event.key === "Escape" && show())
  document.addEventListener("scroll", () => show(), true)
}

export default function ({ data, parentElement }) {
  terms = JSON.parse(data)
  list = parentElement.querySelector(".pp-words")
  listen()
  later()
}
