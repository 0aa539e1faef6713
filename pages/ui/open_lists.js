// An open list stays open when the page changes under it.
//
// A finger that leaves the text box and opens a list also sends the text off. The page that comes back has another
// height, and where the browser then moves it, nobody has scrolled, but Streamlit's lists close at any scroll around
// them. Its lists also close when their options change, as those of a list of sentences then do.

let moved = false
let box = null // whose list the last press opened
let again = 0

function pressed(event) {
  moved = false
  const open = document.querySelector("[role=listbox]")
  box = open ? null : (event.target.closest("[data-testid=stSelectbox]")?.querySelector("[role=combobox]") ?? null)
  again = 0
}

function movedByHand() {
  moved = true
}

function typed(event) {
  if (event.isTrusted) box = null
}

// A scroll is the reader's own where a finger or a wheel moved since the last press.
function scrolled(event) {
  const open = document.querySelector("[role=listbox]")
  if (open && !moved && !open.contains(event.target)) event.stopImmediatePropagation()
}

// A list that goes with no press of a finger or a key has not been closed by the reader, unless a scroll did.
function changed(changes) {
  if (!box || moved || again > 3) return
  const gone = changes.some((one) => [...one.removedNodes].some((node) => node.matches?.("[role=listbox]") || node.querySelector?.("[role=listbox]")))
  if (!gone || document.querySelector("[role=listbox]") || !box.isConnected) return
  again += 1
  box.focus()
  box.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }))
}

// Once for the window, however often the component is mounted; before any list can listen.
if (!window.poolingListsStayOpen) {
  window.poolingListsStayOpen = true
  window.addEventListener("pointerdown", pressed, true)
  window.addEventListener("keydown", typed, true)
  window.addEventListener("touchmove", movedByHand, { capture: true, passive: true })
  window.addEventListener("wheel", movedByHand, { capture: true, passive: true })
  window.addEventListener("scroll", scrolled, true)
  new MutationObserver(changed).observe(document.body, { childList: true, subtree: true })
}

export default function () {}
