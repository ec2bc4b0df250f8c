// The page: its state, what is computed of it, and what the panels show.

const DATA = JSON.parse(document.getElementById("data").textContent);
const ACTIVATIONS = DATA.activations.map((data) => new Activation(data));
const PLACE = { sigma_w: 1.3, sigma_b: 0.2, q: 1.0 }; // where nothing is recommended
const START = { activation: ACTIVATIONS[0].name, depth: 50, c: 0.3, ...(ACTIVATIONS[0].start || PLACE) };
const WIDTH = 60, AROUND = 144, CIRCLE_LAYERS = 30; // units of the random network, points of the circle
const element = (id) => document.getElementById(id);
const state = { ...START };
const documents = {};
let network = null, computed = null, waiting = false, circle = 0;

// ---- what is computed

function compute() {
  const phi = ACTIVATIONS.find((one) => one.name === state.activation);
  network = new Network(phi, state.sigma_w, state.sigma_b);
  const q = network.run(state.q, state.depth), limit = network.limit(state.q);
  const settled = Number.isFinite(limit) && limit >= phi.qMin;
  const e = [1 - state.c], chi = [];
  for (let l = 0; l < state.depth; l++) {
    const usable = Number.isFinite(q[l]) && q[l] < phi.qMax;
    const at = Math.max(q[l], phi.qMin);
    chi.push(usable ? network.chi(at) : NaN);
    e.push(usable ? network.distance(at, e[l]) : NaN);
  }
  const gradient = [1];
  for (let l = state.depth - 1; l >= 0; l--) gradient.push(gradient[gradient.length - 1] * chi[l]);
  gradient.reverse();
  const fixed = network.fixedPoints(), end = network.keepsEveryQ ? state.q : limit;
  const usable = settled && end < phi.qMax;
  const out = { phi, q, e, gradient, fixed, limit: end, chi: NaN, slope: NaN, star: null };
  if (usable) {
    out.chi = network.chi(end);
    out.slope = network.keepsEveryQ ? 1 : network.slope(end);
    out.star = network.cStar(end);
    if (!phi.jumps && Math.abs(out.chi - 1) < 1e-6) out.law = network.law(end);
  }
  return out;
}

// ---- words

const digits = (x, n = 6) => (x === Infinity ? "infinite" : Number.isNaN(x) ? "unknown" : String(Number(x.toPrecision(n))));

function verdict() {
  const { chi, limit, star, phi, slope } = computed;
  if (!Number.isFinite(limit)) return "Variances diverge: they grow from layer to layer. Take a smaller \u03c3_w.";
  if (limit < phi.qMin) return "Signals die out: variances go to 0 with depth. Take a larger \u03c3_w, or biases.";
  if (chi === Infinity) return "The activation jumps: close inputs are torn apart in every layer, and gradients have no second moment.";
  const pace = `by e in ${digits(1 / Math.abs(Math.log(chi)), 3)} layers`;
  if (Math.abs(chi - 1) < 1e-6) {
    const held = Math.abs(slope) < 1 || network.keepsEveryQ ? "" : " But this variance is not stable.";
    return `On the edge of chaos: gradients neither vanish nor explode, and inputs come to look alike slowly.${held}`;
  }
  if (chi < 1) return `Ordered: inputs come to look alike and gradients vanish, ${pace}.`;
  return `Chaotic: close inputs are torn apart (c* = ${digits(1 - star.e, 4)}) and gradients explode, ${pace}.`;
}

function numbers() {
  const { phi, limit, slope, chi, star, e, gradient, law } = computed;
  const sure = Math.max(2, Math.min(10, Math.floor(-Math.log10(phi.accuracy)) - 1)); // digits
  const scale = star && star.slope > 0 && star.slope !== 1 ? -1 / Math.log(star.slope) : NaN;
  const rows = [
    ["q*, variance that layers keep", network.keepsEveryQ ? "every q" : digits(limit, sure)],
    ["F'(q*)", digits(slope, sure - 2)],
    ["\u03c7\u2081, growth of squared gradients a layer", digits(chi, sure)],
    ["c*, where correlations end", star ? digits(1 - star.e, sure) : "unknown"],
    ["\u03be_c, layers in which inputs come e closer to it", chi === 1 || Math.abs(chi - 1) < 1e-6 ? "infinite" : digits(scale, 6)],
    [`1 - c after ${state.depth} layers`, digits(e[state.depth], sure - 2)],
    ["squared gradient, first layer over last", digits(gradient[0], 6)],
  ];
  if (law) rows.push(["law of 1 - c", `${law.name} / layer${law.power === 2 ? "\u00b2" : ""}, ${law.name} = ${digits(law.constant, 6)}`]);
  return rows;
}

function say() {
  element("recommended").disabled = !computed.phi.start;
  element("verdict").textContent = verdict();
  element("numbers").replaceChildren(...numbers().map(([name, value]) => {
    const box = document.createElement("div"), term = document.createElement("dt"), what = document.createElement("dd");
    term.textContent = name; what.textContent = value;
    box.append(term, what);
    return box;
  }));
  const name = /^[A-Za-z_]\w*$/.test(state.activation) ? state.activation : `'${state.activation}'`;
  const w = digits(state.sigma_w, 12), b = digits(state.sigma_b, 12);
  element("command").textContent = `eoc phase ${name} --sigma-w ${w} --sigma-b ${b}`;
  const quoted = JSON.stringify(state.activation);
  element("code").textContent =
    `import eoc\n\nprint(eoc.phase_of(${quoted}, sigma_w=${w}, sigma_b=${b}, q=${digits(state.q, 6)}))`;
  element("accuracy").textContent = Math.max(computed.phi.accuracy, 1e-13).toExponential(0);
  element("range").textContent = `${computed.phi.qMin.toPrecision(2)} to ${computed.phi.qMax.toPrecision(3)}`;
}

// ---- pictures

function put(name, columns) {
  const panel = name.split("-")[0];
  const source = documents[panel].get_model_by_name(name);
  source.data = columns;
}

function range(panel, axis, start, end) {
  const figure = documents[panel].roots()[0];
  figure[axis].setv({ start, end });
}

const grid = (n, f) => Array.from({ length: n }, (_, i) => f(i / (n - 1)));

const DRAW = {
  diagram() {
    const { phi } = computed, stable = { xs: [], ys: [] }, unstable = { xs: [], ys: [] };
    const alone = phi.curve.kind === "point" ? phi.pieces[0] : null;
    for (const piece of alone ? [] : phi.pieces) {
      let begin = 0;
      for (let i = 1; i <= piece.q.length; i++) { // cut where the stability changes
        const held = piece.slope[begin] < 1;
        if (i < piece.q.length && piece.slope[i] < 1 === held) continue;
        const to = held ? stable : unstable, end = Math.min(i + 1, piece.q.length);
        to.xs.push(Array.from(piece.sigmaB.subarray(begin, end)));
        to.ys.push(Array.from(piece.sigmaW.subarray(begin, end)));
        begin = i;
      }
    }
    put("diagram-stable", stable);
    put("diagram-unstable", unstable);
    put("diagram-alone", alone ? { x: [0], y: [alone.sigmaW[0]] } : { x: [], y: [] });
    put("diagram-point", { x: [state.sigma_b], y: [state.sigma_w] });
  },
  variance() {
    const { fixed, limit, phi } = computed;
    const shown = fixed.map((p) => p.q).concat(Number.isFinite(limit) ? [limit] : [], [state.q]).filter((q) => q < 100);
    const top = Math.min(1.6 * Math.max(...shown, 0.05), phi.qMax), x = grid(160, (t) => top * Math.max(t, 1e-6));
    const y = x.map((q) => network.F(q));
    put("variance-map", { x, y });
    put("variance-diagonal", { x: [0, top], y: [0, top] });
    for (const held of [true, false]) {
      const points = fixed.filter((p) => p.stable === held && p.q <= top).map((p) => p.q);
      put(held ? "variance-stable" : "variance-unstable", { x: points, y: points });
    }
    range("variance", "x_range", 0, top);
    range("variance", "y_range", 0, Math.min(Math.max(...y, top), 3 * top) * 1.05);
  },
  correlation() {
    const { limit, star, phi, e } = computed;
    const empty = { x: [], y: [] };
    if (!star) {
      for (const name of ["map", "web", "diagonal", "stable", "unstable"]) put(`correlation-${name}`, empty);
      return;
    }
    const theta = grid(161, (t) => Math.PI * t), apart = theta.map((one) => 2 * Math.sin(one / 2) ** 2);
    put("correlation-map", { x: apart.map((one) => 1 - one), y: apart.map((one) => 1 - network.distance(limit, one)) });
    put("correlation-diagonal", { x: [-1, 1], y: [-1, 1] });
    const x = [], y = [];
    let now = 1 - state.c;
    for (let l = 0; l < Math.min(state.depth, 60); l++) {
      const next = network.distance(limit, now);
      x.push(1 - now, 1 - now); y.push(l ? 1 - now : -1, 1 - next);
      x.push(1 - next); y.push(1 - next);
      now = next;
    }
    put("correlation-web", { x, y });
    const inside = star.e > 0 ? [1 - star.e] : [], chaotic = phi.jumps || computed.chi > 1 + 1e-12;
    put("correlation-stable", { x: chaotic ? inside : [1], y: chaotic ? inside : [1] });
    put("correlation-unstable", { x: chaotic ? [1] : [], y: chaotic ? [1] : [] });
  },
  distance() {
    const { e, law } = computed, x = [], y = [];
    e.forEach((one, l) => { if (one > 1e-300) { x.push(l + 1); y.push(one); } });
    put("distance-run", { x, y });
    const layers = law ? grid(60, (t) => 10 ** (t * Math.log10(state.depth + 1))) : [];
    const kept = layers.filter((l) => law.constant / l ** law.power <= 2);
    put("distance-law", { x: kept, y: kept.map((l) => law.constant / l ** law.power) });
  },
  gradient() {
    const { gradient } = computed, x = [], y = [];
    gradient.forEach((one, l) => { if (one > 1e-300 && one < 1e300) { x.push(l + 1); y.push(one); } });
    put("gradient-run", { x, y });
    put("gradient-one", { x: [1, state.depth + 1], y: [1, 1] });
  },
  density() {
    const { q } = computed, known = q.filter((one) => Number.isFinite(one) && one > 0);
    const picks = grid(6, (t) => known[Math.round(known.length ** t) - 1]); // closer among the first layers
    const reach = 3.2 * Math.sqrt(Math.max(...picks.filter((one) => one < 1e4), 1e-6));
    const x = grid(121, (t) => reach * (2 * t - 1));
    picks.forEach((one, i) => put(`density-${i}`, {
      x, y: x.map((z) => Math.exp((-z * z) / (2 * one)) / Math.sqrt(2 * Math.PI * one)),
    }));
  },
};

// a network of its own seed: mulberry32 and Box and Muller
function normals(seed) {
  let s = seed >>> 0;
  const uniform = () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

function drawCircle() {
  const { phi } = computed, draw = normals(7), layers = Math.min(state.depth, CIRCLE_LAYERS), n = WIDTH;
  const u = Array.from({ length: n }, draw), v = Array.from({ length: n }, draw);
  let h = grid(AROUND + 1, (t) => u.map((one, j) => Math.sqrt(state.q) * (Math.cos(2 * Math.PI * t) * one + Math.sin(2 * Math.PI * t) * v[j])));
  for (let l = 0; l < layers; l++) {
    const x = h.map((row) => row.map((one) => phi.phi(one)));
    const next = x.map(() => new Array(n));
    for (let i = 0; i < n; i++) {
      const w = Array.from({ length: n }, () => (state.sigma_w / Math.sqrt(n)) * draw()), b = state.sigma_b * draw();
      x.forEach((row, p) => { let sum = b; for (let j = 0; j < n; j++) sum += w[j] * row[j]; next[p][i] = sum; });
    }
    h = next;
    if (!h.every((row) => row.every((one) => Math.abs(one) < 1e100))) { h = []; break; }
  }
  put("circle-points", h.length ? projected(h) : { x: [], y: [], colour: [] });
}

// on the two directions in which points differ most
function projected(h) {
  const n = h[0].length, mean = h[0].map((_, j) => h.reduce((sum, row) => sum + row[j], 0) / h.length);
  const rows = h.map((row) => row.map((one, j) => one - mean[j])), axes = [];
  for (let k = 0; k < 2; k++) {
    let a = Array.from({ length: n }, (_, j) => Math.cos(j + k));
    for (let step = 0; step < 40; step++) {
      for (const other of axes) { const along = dot(a, other); a = a.map((one, j) => one - along * other[j]); }
      const next = new Array(n).fill(0);
      for (const row of rows) { const along = dot(row, a); row.forEach((one, j) => { next[j] += along * one; }); }
      const size = Math.sqrt(dot(next, next)) || 1;
      a = next.map((one) => one / size);
    }
    axes.push(a);
  }
  const colour = rows.map((_, i) => `hsl(${Math.round((360 * i) / rows.length)} 75% 50%)`);
  return { x: rows.map((row) => dot(row, axes[0])), y: rows.map((row) => dot(row, axes[1])), colour };
}

const dot = (a, b) => a.reduce((sum, one, j) => sum + one * b[j], 0);

// ---- the page follows its state

function refresh() {
  waiting = false;
  computed = compute();
  for (const draw of Object.values(DRAW)) draw();
  say();
  clearTimeout(circle);
  circle = setTimeout(drawCircle, 60);
  if (window === window.parent) history.replaceState(null, "", address());
  else window.parent.postMessage({ explorer: { ...state } }, "*"); // in a notebook
}

function address() {
  const { activation, ...rest } = state;
  return "#" + new URLSearchParams({ activation, ...Object.fromEntries(Object.entries(rest).map(([k, v]) => [k, digits(v, 15)])) });
}

const LIMITS = { sigma_w: [1e-3, 10], sigma_b: [0, 10], depth: [1, 1000], c: [-0.9, 0.999], q: [3e-4, 200] };

function set(changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (name === "activation") {
      if (ACTIVATIONS.some((one) => one.name === value)) state.activation = value;
    } else if (name in LIMITS && Number.isFinite(value)) {
      const [low, high] = LIMITS[name], held = Math.min(Math.max(value, low), high);
      state[name] = name === "depth" ? Math.round(held) : held;
    }
  }
  element("activation").value = state.activation;
  for (const name of ["sigma_w", "sigma_b", "depth", "c"]) {
    element(name).value = state[name];
    if (document.activeElement !== element(`${name}_number`)) element(`${name}_number`).value = digits(state[name], 9);
  }
  element("q_log").value = Math.log10(state.q);
  if (document.activeElement !== element("q")) element("q").value = digits(state.q, 6);
  if (!waiting) { waiting = true; requestAnimationFrame(refresh); }
}

function fromAddress() {
  const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  return Object.fromEntries(Object.entries(given).map(([k, v]) => [k, k === "activation" ? v : Number(v)]));
}

function dressed() { // axes in the colours of the page
  const style = getComputedStyle(document.documentElement), text = style.getPropertyValue("--text").trim();
  const soft = style.getPropertyValue("--soft").trim();
  for (const one of Object.values(documents)) {
    for (const axis of one.roots()[0].select(Bokeh.require("models/axes/axis").Axis)) {
      axis.setv({ axis_label_text_color: text, major_label_text_color: text, axis_line_color: soft,
        major_tick_line_color: soft, minor_tick_line_color: null });
    }
  }
}

function dragged(view) { // anywhere in the phase diagram
  const target = element("panel-diagram");
  let held = false;
  const move = (event) => {
    const frame = view.frame, box = view.canvas_view.el.getBoundingClientRect();
    const x = frame.x_scale.invert(event.clientX - box.left), y = frame.y_scale.invert(event.clientY - box.top);
    set({ sigma_b: Math.max(x, 0), sigma_w: Math.max(y, 0.02) });
  };
  target.addEventListener("pointerdown", (event) => { held = true; target.setPointerCapture(event.pointerId); move(event); });
  target.addEventListener("pointermove", (event) => { if (held) move(event); });
  for (const name of ["pointerup", "pointercancel"]) target.addEventListener(name, () => { held = false; });
}

async function begin() {
  for (const one of ACTIVATIONS) element("activation").append(new Option(`${one.name}: ${one.formula}`, one.name));
  for (const [name, item] of Object.entries(DATA.panels)) {
    const views = await Bokeh.embed.embed_item(item);
    const [view] = views;
    documents[name] = view.model.document;
    if (name === "diagram") dragged(view);
  }
  dressed();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dressed);
  element("activation").addEventListener("change", (event) => set({ activation: event.target.value }));
  for (const name of ["sigma_w", "sigma_b", "depth", "c"]) {
    for (const id of [name, `${name}_number`]) {
      element(id).addEventListener("input", (event) => { if (event.target.value !== "") set({ [name]: Number(event.target.value) }); });
    }
  }
  element("q_log").addEventListener("input", (event) => set({ q: 10 ** Number(event.target.value) }));
  element("q").addEventListener("input", (event) => { if (event.target.value !== "") set({ q: Number(event.target.value) }); });
  for (const button of document.querySelectorAll("[data-place]")) {
    const [sigma_w, sigma_b] = button.dataset.place.split(" ").map(Number);
    button.addEventListener("click", () => set({ sigma_w, sigma_b }));
  }
  element("recommended").addEventListener("click", () => set(computed.phi.start || {}));
  element("edge").addEventListener("click", () => {
    const found = Network.edge(computed.phi, state.sigma_b);
    if (found) set({ sigma_w: found.sigmaW, sigma_b: found.sigmaB, q: found.q });
  });
  element("link").addEventListener("click", async () => {
    await navigator.clipboard?.writeText(location.href);
    element("copied").textContent = "copied";
  });
  addEventListener("hashchange", () => set(fromAddress()));
  addEventListener("message", (event) => { if (event.data.set) set(event.data.set); });
  set({ ...START, ...fromAddress() });
  refresh();
  window.explorer = { state, set, get computed() { return computed; }, refresh, ready: true };
}

begin();
