// An open list stays open when the page moves under it.
//
// Streamlit's lists close at any scroll around them. A finger that leaves the text box and opens a list also sends the
// text off: the page that comes back has another height, and where the browser then moves it, nobody has scrolled.
// A scroll is the reader's own where a finger or a wheel moved since the last press.

let moved = false

function pressed() {
  moved = false
}

function movedByHand() {
  moved = true
}

function scrolled(event) {
  const open = document.querySelector("[role=listbox]")
  if (open && !moved && !open.contains(event.target)) event.stopImmediatePropagation()
}

// Once for the window, however often the component is mounted; before any list can listen.
if (!window.poolingListsStayOpen) {
  window.poolingListsStayOpen = true
  window.addEventListener("pointerdown", pressed, true)
  window.addEventListener("touchmove", movedByHand, { capture: true, passive: true })
  window.addEventListener("wheel", movedByHand, { capture: true, passive: true })
  window.addEventListener("scroll", scrolled, true)
}

export default function () {}
