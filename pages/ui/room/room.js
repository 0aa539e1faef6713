// What a browser keeps of a room: a number of its own, by which a reload or a second tab is the same vote, and the key
// where it leads the room. Nothing else is kept, and of few rooms.

const NAME = "pooling-rooms"
const MOST = 8
const again = new WeakMap()
let unkept = {}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(NAME)) ?? {}
  } catch {
    return unkept // a browser that keeps nothing: then as long as this tab is open
  }
}

function keep(rooms) {
  unkept = Object.fromEntries(Object.entries(rooms).slice(-MOST))
  try {
    localStorage.setItem(NAME, JSON.stringify(unkept))
  } catch {
    // As above.
  }
}

function drawn() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("")
}

function mine({ room, key, leads }) {
  const rooms = kept()
  const own = rooms[room] ?? { device: drawn() }
  if (key) own.key = key
  if (rooms[room] !== own || key) keep({ ...rooms, [room]: own })
  return leads ? { room, device: own.device, key: own.key ?? "" } : { room, device: own.device }
}

export default function ({ data, parentElement, setStateValue }) {
  clearInterval(again.get(parentElement))
  const own = mine(data)
  if (data.known) return undefined
  // What is sent while the page is still being put together may be lost, or cost parts of the page.
  again.set(parentElement, setInterval(() => setStateValue("own", own), 300))
  return () => clearInterval(again.get(parentElement))
}
