// Pooling in the browser: from the tokens' weights to the vector, its numbers by hand and its cosines.
//
// What Python sends (see pooling/living.py) is `said`, names and texts, and `numbers`, one Float32Array with the
// place of each array in it.

export function readSentence(said, numbers) {
  const T = said.tokens.length, D = said.dims.length, O = said.others.length
  const computed = said.strategies.filter((one) => one.missing === null)
  const S = computed.length
  const take = (name, size) => numbers.subarray(said.places[name], said.places[name] + size)
  const upper = take("gram", (T * (T + 1)) / 2)
  const gram = new Float32Array(T * T)
  for (let t = 0, at = 0; t < T; t++) {
    for (let u = t; u < T; u++, at++) gram[t * T + u] = gram[u * T + t] = upper[at]
  }
  const sentence = {
    T, D, O, S, computed, gram,
    pooled: said.tokens.map((token) => token.pooled),
    hidden: take("hidden", T * D),
    tokensStrategies: take("tokens_strategies", T * S),
    lengthsStrategies: take("lengths_strategies", S),
    tokensOthers: take("tokens_others", T * O),
    lengthsOthers: take("lengths_others", O),
    under: {},
  }
  computed.forEach((strategy, at) => {
    const { name, kind } = strategy
    const share = take(`share.${name}`, T)
    const size = { tokens: 0, winners: D, dimensions: T * D }[kind]
    const weights = size ? take(`weights.${name}`, size) : share
    const weightOf = {
      tokens: (t) => share[t],
      winners: (t, d) => (weights[d] === t ? 1 : 0),
      dimensions: (t, d) => weights[t * D + d],
    }[kind]
    sentence.under[name] = {
      kind, share, weightOf,
      vector: contract(sentence, weightOf),
      toStrategies: take("between", S * S).subarray(at * S, (at + 1) * S),
      toOthers: take("others", S * O).subarray(at * O, (at + 1) * O),
    }
  })
  return sentence
}

// The embedding in the dimensions shown: each column's weighted sum.
function contract({ T, D, hidden, pooled }, weightOf) {
  const vector = new Float32Array(D)
  for (let t = 0; t < T; t++) {
    if (!pooled[t]) continue
    for (let d = 0; d < D; d++) vector[d] += weightOf(t, d) * hidden[t * D + d]
  }
  return vector
}

// All that is drawn under weights of one's own, one a token; the cosines to other sentences where their vectors are of
// the strategy that the weights began with.
export function poolOwn(sentence, weights, knowsOthers) {
  const { T, S, O, gram } = sentence
  const weightOf = (t) => weights[t]
  let squared = 0
  for (let t = 0; t < T; t++) {
    if (!weights[t]) continue
    let row = 0
    for (let u = 0; u < T; u++) row += weights[u] * gram[t * T + u]
    squared += weights[t] * row
  }
  const length = Math.sqrt(Math.max(squared, 0))
  const cosines = (products, lengths, count) => {
    const made = new Float32Array(count)
    for (let k = 0; k < count; k++) {
      let sum = 0
      for (let t = 0; t < T; t++) sum += weights[t] * products[t * count + k]
      made[k] = sum / (length * lengths[k])
    }
    return made
  }
  return {
    kind: "tokens", share: weights, weightOf,
    vector: contract(sentence, weightOf),
    toStrategies: cosines(sentence.tokensStrategies, sentence.lengthsStrategies, S),
    toOthers: knowsOthers
      ? cosines(sentence.tokensOthers, sentence.lengthsOthers, O)
      : new Float32Array(O).fill(NaN),
  }
}

// As `pooling.tables.number`: three significant digits, a real minus.
export function number(value) {
  if (!Number.isFinite(value)) return "–"
  const size = Math.abs(value)
  if (size === 0) return "0"
  const decimals = size < 999.5 ? Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(size)))) : 0
  let text = value.toFixed(decimals)
  if (decimals && Math.abs(Number(text)) >= 10 ** (3 - decimals)) text = value.toFixed(decimals - 1)
  return text.replace("-", "−")
}

const SHOWN_TERMS = 12

// One number of the embedding, worked out: the strategy's formula with the sentence's own numbers.
export function workedOut(sentence, made, worked, d) {
  const { T, D, hidden, pooled } = sentence
  const terms = []
  for (let t = 0; t < T; t++) {
    if (pooled[t]) terms.push({ weight: made.weightOf(t, d), value: hidden[t * D + d] })
  }
  const counted = terms.filter((term) => term.weight !== 0)
  const sum = (made) => shorten(made).join(" + ").replaceAll("+ −", "− ")
  const filled = worked
    .replace("<n>", counted.length)
    .replace("<values>", shorten(terms.map((term) => number(term.value))).join("; "))
    .replace("<value sum>", sum(counted.map((term) => number(term.value))))
    .replace("<weight·value sum>", sum(counted.map(({ weight, value }) => signed(weight, value))) || "0")
    .replace("<value>", counted.length ? number(counted[0].value) : "0")
  const result = number(made.vector[d])
  return filled === result ? result : `${filled} = ${result}`
}

function signed(weight, value) {
  return value < 0 ? `−${number(weight)}×${number(-value)}` : `${number(weight)}×${number(value)}`
}

function shorten(terms) {
  return terms.length > SHOWN_TERMS + 4 ? [...terms.slice(0, SHOWN_TERMS - 4), "…", ...terms.slice(-4)] : terms
}
