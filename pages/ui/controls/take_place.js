// What one types takes the place of a sample: a press into the box selects all of it, another puts the cursor.

let fresh = null

function pressed({ target }) {
  const first = target.matches(".st-key-text textarea") && target !== document.activeElement
  fresh = first && window.poolingSample ? target : null
}

function released({ target }) {
  if (target === fresh) fresh.select()
}

// Once for the window, however often the component is mounted.
if (!("poolingSample" in window)) {
  window.addEventListener("pointerdown", pressed, true)
  window.addEventListener("click", released, true)
}

export default function ({ data }) {
  window.poolingSample = data
}
