// One key of this browser's own storage. What it holds is told to Python until Python has heard it, and again when
// another tab changes it; what Python gives is kept, and "" is forgotten. Where there is no storage nothing is told.

const AGAIN = 400 // milliseconds: what is told while the page is being built can be lost
const views = new WeakMap()

function write(key, value) {
  try {
    if ((localStorage.getItem(key) ?? "") === value) return
    if (value) localStorage.setItem(key, value)
    else localStorage.removeItem(key)
  } catch {
    // there is no room: it lasts as long as the tab
  }
}

function open(key) {
  const view = { heard: false, send: () => {} }
  let told
  const tell = () => {
    try {
      told = { value: localStorage.getItem(key) ?? "", at: Date.now() }
    } catch {
      return
    }
    view.send(told)
  }
  const changed = (event) => event.storageArea === localStorage && (event.key ?? key) === key && tell()
  const again = setInterval(() => (view.heard || !told ? clearInterval(again) : view.send(told)), AGAIN)
  addEventListener("storage", changed)
  view.begin = tell
  view.close = () => {
    clearInterval(again)
    removeEventListener("storage", changed)
  }
  return view
}

export default function ({ data, parentElement, setStateValue }) {
  const known = views.get(parentElement)
  const view = known ?? open(data.key)
  views.set(parentElement, view)
  view.send = (told) => setStateValue("held", told)
  view.heard = data.heard
  if (data.heard) write(data.key, data.value)
  if (!known) view.begin()
  return () => {
    view.close()
    views.delete(parentElement)
  }
}
