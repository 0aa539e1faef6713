// The living picture: tokens, their weights, the matrix and the vector it becomes, pooled under the reader's hand.
//
// `pool.js` computes; here it is drawn, pointed at and dragged. Python is told of an act
// when the movement has ended, and never during a drag: each act has a number, and what Python sends back is taken
// over only when it knows the last one.

import { number, poolOwn, readSentence, workedOut } from "./pool.js"

const MOVE = 300
const FIRST_LOOK = 700
const LARGEST = 1
const KEYS_REST = 500
const views = new WeakMap()

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".living")
  let view = views.get(parentElement)
  if (!view) {
    view = new Picture(root)
    views.set(parentElement, view)
  }
  view.tell = (act) => setTriggerValue("act", act)
  view.receive(data)
  return () => {
    view.end()
    views.delete(parentElement)
  }
}

class Picture {
  constructor(root) {
    this.root = root
    this.find = (what) => root.querySelector(what)
    this.tokensList = this.find(".tokens")
    this.scroller = this.find(".scroller")
    this.acts = null
    this.at = { token: null, column: null }
    this.watch = new ResizeObserver(() => this.measure())
    this.watch.observe(this.find(".field"))
    this.calm = matchMedia("(prefers-reduced-motion: reduce)")
    const field = this.find(".field")
    field.addEventListener("pointermove", (event) => this.pointAt(event))
    field.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.point(null, null))
    field.addEventListener("click", (event) => this.pin(event))
    const sum = this.find(".vector")
    sum.addEventListener("pointermove", (event) => this.pointAt(event))
    sum.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.point(null, null))
    sum.addEventListener("click", (event) => this.pin(event))
    sum.addEventListener("keydown", (event) => this.walkColumns(event))
    this.find(".reset").addEventListener("click", () => this.press(this.strategy))
    this.find(".dismiss").addEventListener("click", () => this.dismiss())
    this.find(".strategies").addEventListener("keydown", (event) => this.walkStrategies(event))
  }

  end() {
    this.watch.disconnect()
    cancelAnimationFrame(this.frame)
    clearTimeout(this.rest)
  }

  // ---- what Python sends

  receive(data) {
    const { sentence, now, numbers } = data
    const said = { ...JSON.parse(sentence), ...now }
    this.find(".hints").hidden = !said.hints || seenHints()
    const values = numbers.getChild ? numbers.getChild("value").toArray() : numbers
    const another = said.id !== this.said?.id
    const columns = this.said?.dims, others = JSON.stringify(this.said?.others)
    const pending = this.acts !== null && said.ack < this.acts // it does not know of the last act yet
    if (this.drag) {
      this.late = data
      return
    }
    this.replaceData(said, values)
    if (pending && !another) return
    const same = !another && this.strategy === said.strategy && String(this.own) === String(said.own)
    if (!pending) {
      this.acts = said.ack
      this.strategy = said.strategy
    }
    this.own = said.own && !pending ? Float32Array.from(said.own) : null
    this.pinned = said.dimension
    if (another || columns?.length !== said.dims.length) this.drawn = this.top = null
    if (another) {
      this.at = { token: null, column: null }
      this.buildTokens()
    }
    if (another || others !== JSON.stringify(said.others)) this.buildCosines()
    this.buildStrategies()
    this.measure()
    if (same && String(columns) === String(said.dims)) this.draw(this.goal())
    else this.move(another ? FIRST_LOOK : MOVE, pending ? () => this.report() : undefined)
  }

  replaceData(said, values) {
    this.said = said
    this.sentence = readSentence(said, values)
    this.bright = colourTable(said.colours)
    this.paintCells()
  }

  goal() {
    if (!this.own) return this.sentence.under[this.strategy]
    return poolOwn(this.sentence, this.own, this.strategy === this.said.strategy)
  }

  // ---- what the reader does

  press(name) {
    clearTimeout(this.rest)
    this.strategy = name
    this.own = null
    this.acts += 1
    this.buildStrategies()
    this.move(MOVE, () => this.report())
  }

  // Own weights begin as what the tokens count now.
  setWeight(t, weight) {
    if (!this.own) {
      this.own = Float32Array.from(this.sentence.under[this.strategy].share)
      this.buildStrategies()
    }
    this.own[t] = Math.max(0, Math.min(LARGEST, weight))
    this.point(t, this.at.column)
    this.dirty()
  }

  weightChanged() {
    this.acts += 1
    this.report()
  }

  report() {
    clearTimeout(this.rest)
    const { acts, strategy, pinned } = this
    this.tell({ n: acts, strategy, weights: this.own && [...this.own].map((w) => +w.toPrecision(4)), dimension: pinned })
  }

  beginDrag(event, t) {
    if (event.button || !this.sentence.pooled[t]) return
    const handle = event.currentTarget
    const width = handle.clientWidth || 1
    this.stop()
    const { id } = this.said
    const before = (this.own ?? this.sentence.under[this.strategy].share)[t]
    this.drag = { t, x: event.clientX, before, top: this.top, moved: false, width }
    handle.setPointerCapture(event.pointerId)
    handle.onpointermove = (moved) => {
      const by = moved.clientX - this.drag.x
      if (!this.drag.moved && Math.abs(by) < 3) return
      this.drag.moved = true
      this.setWeight(t, this.drag.before + (by / this.drag.width) * this.drag.top)
    }
    handle.onpointerup = handle.onpointercancel = () => {
      const { moved } = this.drag, { late } = this
      handle.onpointermove = handle.onpointerup = handle.onpointercancel = null
      this.drag = this.late = null
      if (late) this.receive(late)
      if (!moved || (late && this.said.id !== id)) return
      this.weightChanged()
      this.dirty()
    }
  }

  keyOnWeight(event, t) {
    const tenth = this.average(this.sentence.under[this.strategy].share) / 10
    const step = { ArrowRight: tenth, ArrowLeft: -tenth, PageUp: 10 * tenth, PageDown: -10 * tenth }[event.key]
    const now = (this.own ?? this.sentence.under[this.strategy].share)[t]
    const wanted = { Home: 0, Delete: 0, Backspace: 0, End: LARGEST }[event.key] ?? (step && now + step)
    const beside = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (beside) this.focusToken(t, beside)
    else if (wanted === undefined || !this.sentence.pooled[t]) return
    else {
      this.setWeight(t, wanted)
      this.acts += 1
      clearTimeout(this.rest)
      this.rest = setTimeout(() => this.report(), KEYS_REST)
    }
    event.preventDefault()
  }

  average(share) {
    return share.reduce((a, b) => a + b, 0) / this.sentence.pooled.filter(Boolean).length
  }

  takeOut(t) {
    if (!this.sentence.pooled[t]) return
    this.setWeight(t, 0)
    this.weightChanged()
  }

  focusToken(t, by) {
    const handles = [...this.root.querySelectorAll(".handle")]
    const next = handles[Math.max(0, Math.min(handles.length - 1, t + by))]
    handles.forEach((one) => { one.tabIndex = one === next ? 0 : -1 })
    next.focus()
  }

  walkStrategies(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    if (!by) return
    event.preventDefault()
    const buttons = [...this.root.querySelectorAll(".strategies button:not([aria-disabled=true])")]
    const now = buttons.indexOf(this.root.getRootNode().activeElement)
    const next = buttons[(now + by + buttons.length) % buttons.length]
    next.focus()
    next.click()
  }

  walkColumns(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    const end = { Home: 0, End: this.sentence.D - 1 }[event.key]
    if (!by && end === undefined) return
    event.preventDefault()
    const column = end ?? Math.max(0, Math.min(this.sentence.D - 1, this.column() + by))
    this.point(this.at.token, column)
  }

  place(event) {
    const box = this.find(".cells").getBoundingClientRect()
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.sentence.D)
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.sentence.T)
    const inside = (at, count) => (at >= 0 && at < count ? at : null)
    return [inside(row, this.sentence.T), inside(column, this.sentence.D)]
  }

  pointAt(event) {
    if (event.pointerType === "touch") return // it moves the page; a tap is a click
    const [row, column] = this.place(event)
    this.point(event.currentTarget === this.find(".field") ? row : null, column)
  }

  pin(event) {
    const [row, column] = this.place(event)
    if (column === null) return
    this.point(row, column)
    this.pinned = this.said.dims[column]
    this.acts += 1
    this.report()
  }

  point(token, column) {
    this.at = { token, column }
    this.light()
  }

  // The column worked out below: the one pointed at, the one that was clicked, or the first.
  column() {
    return this.at.column ?? Math.max(0, this.said.dims.indexOf(this.pinned))
  }

  dismiss() {
    try { localStorage.setItem("pooling-hints", "seen") } catch { /* a browser that keeps nothing asks again */ }
    this.find(".hints").hidden = true
  }

  // ---- movement

  stop() {
    cancelAnimationFrame(this.frame)
    this.frame = null
    this.find(".falling").hidden = true
  }

  dirty() {
    if (this.frame) return
    this.frame = requestAnimationFrame(() => {
      this.frame = null
      this.draw(this.goal())
    })
  }

  move(milliseconds, done = () => {}) {
    this.stop()
    const goal = this.goal(), from = this.drawn
    if (this.calm.matches || document.hidden) {
      this.draw(goal)
      done()
      return
    }
    const fits = from && from.share.length === goal.share.length && from.vector.length === goal.vector.length
    this.paintVeil(goal)
    this.beginFall(goal)
    const began = performance.now()
    const step = (now) => {
      const share = Math.min(1, Math.max(0, now - began) / milliseconds)
      const eased = 1 - (1 - share) ** 3
      const between = share < 1 && fits ? mix(from, goal, eased) : goal
      this.draw(between, share < 1)
      this.fall(eased)
      if (share < 1) this.frame = requestAnimationFrame(step)
      else {
        this.stop()
        done()
      }
    }
    step(began)
  }

  // ---- drawing

  buildStrategies() {
    const place = this.find(".strategies")
    const focused = place.contains(this.root.getRootNode().activeElement)
    place.replaceChildren(...this.said.strategies.map((one) => {
      const button = document.createElement("button")
      const chosen = one.name === this.strategy && !this.own
      button.type = "button"
      button.role = "radio"
      button.dataset.name = one.name
      button.textContent = one.label
      button.title = one.missing ?? one.summary
      button.style.setProperty("--colour", one.colour)
      button.ariaChecked = String(chosen)
      button.tabIndex = one.name === this.strategy ? 0 : -1
      button.classList.toggle("begun", Boolean(this.own) && one.name === this.strategy)
      if (one.missing !== null) button.ariaDisabled = "true"
      button.onclick = () => (one.missing === null ? this.press(one.name) : this.say(one.missing))
      return button
    }))
    if (focused) place.querySelector("[tabindex='0']")?.focus()
    const { title, kind } = this.said.strategies.find((one) => one.name === this.strategy)
    const shares = { tokens: "", dimensions: ", one a token", winners: ", one a token: the shares that each had won" }[kind]
    this.find(".own em").textContent = `your own weights, begun with ${title}${shares}`
  }

  buildTokens() {
    this.tokensList.replaceChildren(...this.said.tokens.map((token, t) => {
      const item = document.createElement("li")
      item.className = ["token", token.special && "special", token.prompt && "prompt", token.joined && "joined",
        !token.pooled && "left-out"].filter(Boolean).join(" ")
      item.title = token.about
      const chip = document.createElement("span")
      chip.className = "chip"
      chip.dir = "auto"
      chip.textContent = token.token
      const handle = document.createElement("div")
      handle.className = "handle"
      handle.tabIndex = t ? -1 : 0
      handle.role = "slider"
      handle.ariaLabel = `Weight of ${token.token}, token ${token.position}`
      handle.ariaValueMin = "0"
      handle.ariaValueMax = String(LARGEST)
      if (!token.pooled) handle.ariaDisabled = "true"
      handle.append(document.createElement("i"))
      handle.onpointerdown = (event) => this.beginDrag(event, t)
      handle.ondblclick = () => this.takeOut(t)
      handle.onkeydown = (event) => this.keyOnWeight(event, t)
      handle.onfocus = () => this.point(t, this.at.column)
      const said = document.createElement("span")
      said.className = "weight"
      item.onpointerenter = () => !this.drag && this.point(t, this.at.column)
      item.onpointerleave = (event) => !this.drag && event.pointerType === "mouse" && this.point(null, this.at.column)
      item.append(chip, handle, said)
      return item
    }))
    this.bars = [...this.root.querySelectorAll(".handle i")]
    this.handles = [...this.root.querySelectorAll(".handle")]
    this.weights = [...this.root.querySelectorAll(".weight")]
    this.items = [...this.tokensList.children]
  }

  buildCosines() {
    const line = (name, colour) => {
      const item = document.createElement("li")
      const label = document.createElement("span")
      label.textContent = name
      label.dir = "auto"
      label.title = name
      const bar = document.createElement("i")
      bar.style.setProperty("--colour", colour)
      const value = document.createElement("b")
      item.append(label, bar, value)
      return item
    }
    const { computed } = this.sentence
    this.find(".to-strategies ol").replaceChildren(...computed.map((one) => line(one.label, one.colour)))
    this.find(".to-others ol").replaceChildren(
      ...this.said.others.map(({ number, text }) => line(`${number} · ${text}`, "var(--st-primary-color)")),
    )
    this.find(".to-others").hidden = !this.said.others.length
  }

  // How large everything is now: canvases get the pixels of the screen.
  measure() {
    if (!this.sentence) return
    const { T } = this.sentence
    const narrow = this.root.clientWidth < 640
    const row = T <= 16 ? (narrow ? 25 : 28) : T <= 40 ? 24 : 18
    this.root.style.setProperty("--row", `${row}px`)
    const width = this.find(".field").clientWidth
    if (!width) return
    this.size = { width, row, height: row * T, dpr: Math.min(window.devicePixelRatio || 1, T > 100 ? 1 : 3) }
    this.paintCells()
    if (this.drawn) this.draw(this.drawn)
  }

  canvas(selector, width, height) {
    const canvas = this.find(selector), { dpr } = this.size
    const [wide, high] = [Math.round(width * dpr), Math.round(height * dpr)]
    if (canvas.width !== wide || canvas.height !== high) {
      canvas.width = wide
      canvas.height = high
    }
    canvas.style.width = `${width}px`
    canvas.style.height = `${height}px`
    const pen = canvas.getContext("2d")
    pen.setTransform(dpr, 0, 0, dpr, 0, 0)
    pen.imageSmoothingEnabled = false
    pen.clearRect(0, 0, width, height)
    return pen
  }

  paintCells() {
    if (!this.size) return
    const { T, D, hidden } = this.sentence, { width, height, row } = this.size
    this.pixels = this.toPixels(T, D, hidden, () => 255)
    const pen = this.canvas(".cells", width, height)
    pen.drawImage(this.pixels, 0, 0, width, height)
    this.paintGrid(pen, D, T, width, row)
    this.paintNumbers(pen, hidden, T)
    this.find(".cells").ariaLabel = `Hidden states: ${T} tokens, a row each, in ${D} of ${this.said.dim} dimensions`
  }

  toPixels(rows, columns, values, alpha) {
    const image = new ImageData(columns, rows)
    const { limit } = this.said
    for (let at = 0; at < rows * columns; at++) {
      const share = Math.max(0, Math.min(1, (values[at] / limit + 1) / 2))
      image.data.set(this.bright[Math.round(share * 255)], 4 * at)
      image.data[4 * at + 3] = alpha(Math.floor(at / columns), at % columns)
    }
    const canvas = document.createElement("canvas")
    canvas.width = columns
    canvas.height = rows
    canvas.getContext("2d").putImageData(image, 0, 0)
    return canvas
  }

  paintGrid(pen, columns, rows, width, row) {
    pen.fillStyle = getComputedStyle(this.root).getPropertyValue("--ground")
    const cell = width / columns
    if (cell >= 5) for (let d = 1; d < columns; d++) pen.fillRect(d * cell - 0.5, 0, 1, rows * row)
    if (row >= 16) for (let t = 1; t < rows; t++) pen.fillRect(0, t * row - 0.5, width, 1)
  }

  paintNumbers(pen, values, rows) {
    const { width, row } = this.size, columns = this.sentence.D, cell = width / columns
    if (cell < 22 || row < 18) return
    pen.font = `${Math.min(11, cell / 2.5)}px ui-monospace, Menlo, monospace`
    pen.textAlign = "center"
    pen.textBaseline = "middle"
    pen.fillStyle = this.said.ink
    for (let at = 0; at < rows * columns; at++) {
      const text = values[at].toFixed(1).replace("-0.0", "0.0").replace("-", "−")
      pen.fillText(text, (at % columns + 0.5) * cell, (Math.floor(at / columns) + 0.5) * row)
    }
  }

  // How much of a cell is seen: all of it where it counts as much as any in its column.
  counts(made) {
    const { T, D, pooled } = this.sentence
    const most = new Float32Array(D)
    for (let t = 0; t < T; t++) for (let d = 0; d < D; d++) most[d] = Math.max(most[d], made.weightOf(t, d))
    return (t, d) => (pooled[t] && most[d] > 0 ? made.weightOf(t, d) / most[d] : 0)
  }

  // What counts little pales.
  paintVeil(made) {
    const { T, D } = this.sentence, { width, height } = this.size
    const counts = this.counts(made)
    const [r, g, b] = rgb(getComputedStyle(this.root).backgroundColor)
    const image = new ImageData(D, T)
    for (let t = 0, at = 0; t < T; t++) {
      for (let d = 0; d < D; d++, at += 4) {
        image.data[at] = r
        image.data[at + 1] = g
        image.data[at + 2] = b
        image.data[at + 3] = 190 * (1 - counts(t, d))
      }
    }
    const veil = document.createElement("canvas")
    veil.width = D
    veil.height = T
    veil.getContext("2d").putImageData(image, 0, 0)
    this.canvas(".veil", width, height).drawImage(veil, 0, 0, width, height)
  }

  // Every row falls into the row below, as strongly as it counts.
  beginFall(goal) {
    if (!this.size) return
    const counts = this.counts(goal)
    const { T, D, hidden } = this.sentence
    this.ghost = this.toPixels(T, D, hidden, (t, d) => 255 * counts(t, d))
    this.find(".falling").hidden = false
  }

  fall(share) {
    if (!this.size || this.find(".falling").hidden) return
    const { T, D } = this.sentence, { width, row } = this.size
    const top = this.scroller.scrollTop, seen = this.scroller.clientHeight
    const pen = this.canvas(".falling", width, seen + row + 8)
    pen.globalAlpha = 0.85 * (1 - share ** 4)
    for (let t = 0; t < T; t++) {
      const from = t * row - top
      const y = from + (seen + 6 - from) * share
      if (y > -row) pen.drawImage(this.ghost, 0, t, D, 1, 0, y, width, row)
    }
  }

  draw(made, moving = false) {
    if (!this.size) return
    const { T, D, computed } = this.sentence
    this.drawn = made
    if (!moving) this.paintVeil(made)
    const colour = this.own ? "var(--own)" : computed.find((one) => one.name === this.strategy)?.colour
    this.root.style.setProperty("--colour", colour)
    // Under own weights the scale stays as it was as long as all bars fit: nothing jumps as one lets go.
    const needed = Math.max(...made.share)
    if (!this.own || (!this.drag && !(needed <= this.top))) this.top = Math.max(needed, 3 * this.average(made.share)) || 1
    // Dragged beyond its end a bar stays full, and the others shrink.
    else if (this.drag) this.top = Math.max(this.drag.top, needed)
    const percent = !this.own && made.kind === "winners"
    for (let t = 0; t < T; t++) {
      const weight = made.share[t]
      this.bars[t].style.transform = `scaleX(${Math.min(1, weight / this.top)})`
      const text = !this.sentence.pooled[t] ? "–" : percent ? `${(100 * weight).toFixed(1)}%` : number(weight)
      if (this.weights[t].textContent !== text) {
        this.weights[t].textContent = text
        this.handles[t].ariaValueNow = String(+weight.toFixed(4))
        this.handles[t].ariaValueText = percent ? `wins ${text} of the dimensions` : text
      }
    }
    const { width, row } = this.size
    const pen = this.canvas(".vector canvas", width, row)
    pen.drawImage(this.toPixels(1, D, made.vector, () => 255), 0, 0, width, row)
    this.paintGrid(pen, D, 1, width, row)
    this.paintNumbers(pen, made.vector, 1)
    this.drawCosines(".to-strategies", made.toStrategies)
    this.drawCosines(".to-others", made.toOthers)
    this.find(".own").hidden = !this.own
    this.drawTask(made)
    this.light()
  }

  drawCosines(where, cosines) {
    const items = this.find(`${where} ol`).children
    for (let k = 0; k < items.length; k++) {
      const [, bar, value] = items[k].children
      const cosine = cosines[k]
      bar.style.setProperty("--length", Number.isFinite(cosine) ? Math.max(0, cosine) : 0)
      const text = number(cosine)
      if (value.textContent !== text) value.textContent = text
    }
  }

  drawTask(made) {
    const place = this.find(".task"), { task } = this.said
    const { start, possible } = task ? this.tried() : {}
    place.hidden = !possible
    if (!possible) return
    const share = this.sentence.under[this.strategy].share
    const moved = [...(this.own ?? [])].flatMap((w, t) => (Math.abs(w - share[t]) > 1e-3 * Math.max(w, share[t]) ? [t] : []))
    const now = made.toOthers[this.other(task)]
    const enough = (task.less ? start - now : now - start) >= task.reached
    const done = moved.length === 1 && enough
    const text = done
      ? `Done: ${number(start)} is now ${number(now)}, by the weight of “${this.said.tokens[moved[0]].token}” alone.`
      : moved.length > 1 && enough
        ? `${number(start)} is now ${number(now)}, by ${moved.length} weights. Reset, and try it with one.`
        : `${task.text} It is ${number(now)}.`
    place.classList.toggle("done", done)
    if (place.textContent !== text) place.textContent = text
  }

  other(task) {
    return this.said.others.findIndex(({ number }) => number === task.other)
  }

  // The cosine that the task begins with under this strategy, and whether one weight can change it as far as it asks.
  tried() {
    const key = `${this.said.id} ${this.strategy} ${this.said.strategy}`
    if (this.trial?.key === key) return this.trial
    const { task } = this.said, { T, pooled, under } = this.sentence
    const cosine = (weights) => poolOwn(this.sentence, weights, true).toOthers[this.other(task)]
    const share = under[this.strategy].share, start = cosine(share)
    const enough = (t) => [0, 0.2, 0.5, 1].some((weight) => {
      const now = cosine(share.map((w, u) => (u === t ? weight : w)))
      return (task.less ? start - now : now - start) >= task.reached
    })
    // One a token: other weights would change with their kind before any is moved.
    const possible = this.strategy === this.said.strategy && under[this.strategy].kind === "tokens"
      && Array.from({ length: T }, (_, t) => t).some((t) => pooled[t] && enough(t))
    this.trial = { key, start, possible }
    return this.trial
  }

  light() {
    if (!this.size || !this.drawn) return
    const { token } = this.at, column = this.column()
    const { D } = this.sentence, { width, row, height } = this.size
    const cell = width / D
    this.items.forEach((item, t) => item.classList.toggle("lit", t === token))
    const across = this.find(".row-light")
    across.hidden = token === null
    if (token !== null) Object.assign(across.style, { top: `${token * row}px`, height: `${row}px` })
    for (const [down, high] of [[".column-light", height], [".number-light", row]]) {
      Object.assign(this.find(down).style, { left: `${column * cell}px`, width: `${cell}px`, height: `${high}px` })
    }
    const dimension = this.said.dims[column]
    const strategy = this.sentence.computed.find((one) => one.name === this.strategy)
    const worked = this.own ? "<weight·value sum>" : strategy.worked
    const shown = workedOut(this.sentence, this.drawn, worked, column)
    this.setFormula(dimension, shown)
    const vector = this.find(".vector")
    vector.ariaValueMax = String(D - 1)
    vector.ariaValueNow = String(column)
    vector.ariaValueText = `dimension ${dimension}: ${number(this.drawn.vector[column])}`
    this.say(token === null ? "" : this.about(token, column))
  }

  setFormula(dimension, text) {
    const place = this.find(".formula")
    if (place.dataset.text === `${dimension} ${text}`) return
    place.dataset.text = `${dimension} ${text}`
    const sub = document.createElement("sub")
    sub.textContent = dimension
    place.replaceChildren("e", sub, ` = ${text}`)
  }

  about(t, column) {
    const token = this.said.tokens[t], weight = this.drawn.weightOf(t, column)
    const d = this.said.dims[column], value = number(this.sentence.hidden[t * this.sentence.D + column])
    if (!token.pooled) return `“${token.token}” is read and not pooled.`
    const under = this.drawn.kind === "tokens" || this.own ? "" : ` in dimension ${d}`
    return `“${token.token}”, token ${token.position} of ${this.sentence.T}: weight ${number(weight)}${under}, value ${value} in dimension ${d}.`
  }

  say(text) {
    const place = this.find(".said")
    if (place.textContent !== text) place.textContent = text
  }
}

function seenHints() {
  try { return localStorage.getItem("pooling-hints") === "seen" } catch { return false }
}

function mix(from, to, share) {
  const between = (a, b) => Float32Array.from(b, (value, i) => (Number.isFinite(a[i]) ? a[i] + (value - a[i]) * share : value))
  return {
    ...to,
    share: between(from.share, to.share),
    vector: between(from.vector, to.vector),
    toStrategies: between(from.toStrategies, to.toStrategies),
    toOthers: between(from.toOthers, to.toOthers),
  }
}

function rgb(colour) {
  const canvas = document.createElement("canvas")
  canvas.width = canvas.height = 1
  const pen = canvas.getContext("2d")
  pen.fillStyle = colour
  pen.fillRect(0, 0, 1, 1)
  return pen.getImageData(0, 0, 1, 1).data
}

// 256 colours between the stops of a scale, each [place from 0 to 1, "#rrggbb"].
function colourTable(stops) {
  const read = stops.map(([at, hex]) => [at, [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16))])
  return Array.from({ length: 256 }, (_, i) => {
    const share = i / 255
    const next = Math.max(1, read.findIndex(([at]) => at >= share))
    const [[low, a], [high, b]] = [read[next - 1], read[next]]
    const part = (share - low) / (high - low)
    return [...a.map((c, k) => Math.round(c + (b[k] - c) * part)), 255]
  })
}
