// Pictures to search in: six motifs drawn as SVG, and scenes in which one of them can be seen again.

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const pick = (random, list) => list[Math.floor(random() * list.length)];
const range = (n) => [...Array(n).keys()];
const W = 600;
const H = 800;
const svg = (body, background) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" width="100%" height="100%"><rect width="${W}" height="${H}" fill="${background}"/>${body}</svg>`;

function hills(seed) {
  const random = chance(seed);
  const layers = ['#e9b872', '#d98f5c', '#b5654a', '#7d4a4f', '#4b3a4f', '#2b2a3d'];
  let body = `<circle cx="420" cy="210" r="92" fill="#f7e3b0"/><circle cx="420" cy="210" r="120" fill="none" stroke="#f3cf8e" stroke-width="3"/>`;
  body += range(26).map(() => {
    const [x, y, s] = [60 + random() * 480, 60 + random() * 200, 6 + random() * 12];
    return `<path d="M${x} ${y}q${s / 2} ${-s / 1.5} ${s} 0q${s / 2} ${-s / 1.5} ${s} 0" fill="none" stroke="#5b3a44" stroke-width="2.4"/>`;
  }).join('');
  layers.forEach((colour, i) => {
    const base = 300 + i * 84;
    const points = range(13).map((k) => [k * 50, base + (random() - 0.5) * 90]);
    body += `<path d="M0 ${H}L${points.map((p) => p.join(' ')).join('L')}L${W} ${H}Z" fill="${colour}"/>`;
    for (const [x, y] of points) {
      for (const k of range(2 + i)) {
        const [tx, h] = [x + (random() - 0.5) * 60, 14 + i * 8 + random() * 16];
        const ty = y + 18 + k * 6 + random() * 20;
        body += `<path d="M${tx} ${ty - h}l${h / 3} ${h}h${-h / 1.5}Z" fill="${layers[Math.min(i + 1 + (k % 2), 5)]}" opacity=".9"/>`;
      }
    }
  });
  return svg(body, '#f1d9a8');
}

function city(seed) {
  const random = chance(seed);
  let body = range(90).map(() => `<circle cx="${random() * W}" cy="${random() * 420}" r="${0.8 + random() * 2}" fill="#f5efd6"/>`).join('');
  body += '<circle cx="120" cy="130" r="56" fill="#f5efd6"/><circle cx="143" cy="116" r="50" fill="#1d2746"/>';
  for (const row of range(3)) {
    let x = -20;
    while (x < W) {
      const width = 46 + random() * 60;
      const top = 260 + row * 120 + random() * 190;
      const colour = ['#2f3f6e', '#25305a', '#161d3a'][row];
      body += `<rect x="${x}" y="${top}" width="${width}" height="${H - top}" fill="${colour}"/>`;
      if (random() > 0.5) body += `<rect x="${x + width / 2 - 2}" y="${top - 40}" width="4" height="40" fill="${colour}"/>`;
      for (let wy = top + 14; wy < H; wy += 20) {
        for (let wx = x + 8; wx < x + width - 12; wx += 15) {
          if (random() > 0.42) body += `<rect x="${wx}" y="${wy}" width="8" height="11" fill="${pick(random, ['#ffd27a', '#ffb75e', '#fbe6b5', '#7f8fc4'])}"/>`;
        }
      }
      x += width + 5;
    }
  }
  return svg(body, '#1d2746');
}

function garden(seed) {
  const random = chance(seed);
  const greens = ['#2f5d50', '#3f7d5e', '#74a57f', '#1f4037'];
  let body = '';
  for (const i of range(24)) {
    const x = 20 + i * 25 + (random() - 0.5) * 20;
    const top = 110 + random() * 420;
    body += `<path d="M${x} ${H}Q${x + (random() - 0.5) * 80} ${(H + top) / 2} ${x} ${top}" fill="none" stroke="${pick(random, greens)}" stroke-width="4"/>`;
    for (let y = top + 50; y < H; y += 44) {
      const side = random() > 0.5 ? 1 : -1;
      const long = 22 + random() * 26;
      body += `<path d="M${x} ${y}q${side * long * 0.4} ${-long * 0.7} ${side * long} ${-long * 0.5}q${-side * long * 0.2} ${long * 0.6} ${-side * long} ${long * 0.5}Z" fill="${pick(random, greens)}"/>`;
    }
    const [colour, petals, size] = [pick(random, ['#e4572e', '#f3a712', '#a8326e', '#f6c5af', '#5b5f97']), 5 + Math.floor(random() * 5), 16 + random() * 16];
    body += range(petals).map((k) => `<ellipse cx="${x}" cy="${top - size * 0.7}" rx="${size * 0.36}" ry="${size * 0.8}" fill="${colour}" transform="rotate(${(360 / petals) * k + random() * 9} ${x} ${top})"/>`).join('');
    body += `<circle cx="${x}" cy="${top}" r="${size * 0.34}" fill="#3b2c35"/><circle cx="${x + 2}" cy="${top - 2}" r="${size * 0.13}" fill="#f9e7c2"/>`;
  }
  return svg(body, '#f4ead5');
}

function sea(seed) {
  const random = chance(seed);
  let body = '';
  for (const row of range(15)) {
    const y = 80 + row * 50;
    const colour = `hsl(${196 + row * 2} ${48 + row}% ${72 - row * 3.6}%)`;
    const waves = range(14).map((i) => `q${12 + random() * 20} ${-14 - random() * 22} 46 0`).join('');
    body += `<path d="M${-random() * 40} ${y}${waves}V${H}H0Z" fill="${colour}"/>`;
    for (const _ of range(4)) {
      const [x, fy, s, flip] = [random() * W, y + 12 + random() * 24, 12 + random() * 20, random() > 0.5 ? 1 : -1];
      body += `<g transform="translate(${x} ${fy}) scale(${flip * s / 20} ${s / 20})"><path d="M0 0q14 -14 30 0q-16 14 -30 0l-13 -9v18Z" fill="${pick(random, ['#f26b4f', '#f9d56e', '#fdf3e1', '#22324f', '#ef9a9a'])}"/><circle cx="22" cy="-2" r="2" fill="#111"/><path d="M10 -7v14M15 -8v16" stroke="#0003" stroke-width="2"/></g>`;
    }
  }
  body += '<path d="M150 78l-20 -8h120l-24 26h-66ZM186 66v-54l52 50ZM180 66v-44l-40 42Z" fill="#a33b2c"/>';
  return svg(body, '#fbe3c0');
}

function tiles(seed) {
  const random = chance(seed);
  const colours = ['#d1495b', '#edae49', '#00798c', '#30638e', '#f4f1de', '#222e50'];
  let body = '';
  const side = 100;
  for (const x of range(W / side)) {
    for (const y of range(H / side)) {
      const [a, b, c] = [pick(random, colours), pick(random, colours), pick(random, colours)];
      const kind = Math.floor(random() * 5);
      const shape = [
        `<path d="M0 0h100a100 100 0 0 1 -100 100Z" fill="${b}"/><path d="M0 0h50a50 50 0 0 1 -50 50Z" fill="${c}"/>`,
        `<path d="M0 0l100 100h-100Z" fill="${b}"/><circle cx="68" cy="32" r="${12 + random() * 14}" fill="${c}"/>`,
        `<circle cx="50" cy="50" r="40" fill="${b}"/><path d="M50 10a40 40 0 0 1 0 80Z" fill="${c}"/>`,
        range(5).map((k) => `<rect x="${k * 20}" width="10" height="${40 + random() * 60}" fill="${k % 2 ? b : c}"/>`).join(''),
        `<path d="M50 4L96 96H4Z" fill="${b}"/><path d="M50 44L74 92H26Z" fill="${c}"/>`,
      ][kind];
      body += `<g transform="translate(${x * side} ${y * side}) rotate(${Math.floor(random() * 4) * 90} 50 50)"><rect width="100" height="100" fill="${a}"/>${shape}</g>`;
    }
  }
  return svg(body, '#f4f1de');
}

function contours(seed) {
  const random = chance(seed);
  let body = '';
  for (const _ of range(9)) {
    const [cx, cy, turn] = [random() * W, random() * H, random() * 360];
    const hue = pick(random, ['#385f71', '#d7b377', '#8f754f', '#2b4141', '#c8553d']);
    const bumps = range(9).map(() => 0.72 + random() * 0.5);
    for (let r = 24; r < 190; r += 15) {
      const points = range(9).map((k) => {
        const angle = (k / 9) * 2 * Math.PI;
        return [cx + Math.cos(angle) * r * bumps[k], cy + Math.sin(angle) * r * bumps[k] * 0.8];
      });
      const middle = (p, q) => `${(p[0] + q[0]) / 2} ${(p[1] + q[1]) / 2}`;
      const path = points.map((p, k) => `Q${p.join(' ')} ${middle(p, points[(k + 1) % 9])}`).join('');
      body += `<path d="M${middle(points[8], points[0])}${path}" fill="none" stroke="${hue}" stroke-width="${r % 30 < 15 ? 3.4 : 1.6}" transform="rotate(${turn} ${cx} ${cy})"/>`;
    }
    body += `<path d="M${cx} ${cy - 12}l9 20h-18Z" fill="${hue}"/>`;
  }
  return svg(body, '#efe6d2');
}

const MOTIFS = { hills, city, garden, sea, tiles, contours };

const art = (name, style) => `<div style="position:absolute;${style}">${MOTIFS[name](name.length * 77 + name.charCodeAt(1))}</div>`;
const page = (body, background) => `<!doctype html><body style="margin:0;width:900px;height:675px;overflow:hidden;position:relative;background:${background}">${body}</body>`;
const frame = (name, style, border = '#2c2622') => `<div style="position:absolute;${style};background:#fbfaf6;border:12px solid ${border};box-shadow:0 18px 34px #0006, inset 0 0 0 1px #0002">${art(name, 'inset:7%')}</div>`;

/** A picture hung on a wall, seen from the side. */
const wall = (name, turn) => page(
  `<div style="position:absolute;inset:0;perspective:1100px"><div style="position:absolute;inset:0;transform:rotateY(${turn}deg) rotateX(4deg) scale(1.12)">${frame(name, 'left:270px;top:42px;width:340px;height:454px')}
  <div style="position:absolute;left:-300px;right:-300px;top:560px;height:240px;background:linear-gradient(#8d6e58,#6e5342)"></div>
  <div style="position:absolute;left:110px;top:520px;width:640px;height:120px;border-radius:36px 36px 0 0;background:linear-gradient(#5f7f86,#3f5b63)"></div></div></div>
  <div style="position:absolute;inset:0;background:linear-gradient(105deg,#fff3 0,#fff0 40%,#0004 100%)"></div>`,
  'linear-gradient(#e7ddcd,#cfc0ac)',
);

/** A print on a wooden table, partly under a saucer. */
const table = (name, turn) => page(
  `<div style="position:absolute;inset:0;background:repeating-linear-gradient(3deg,#9a6b43 0 46px,#8b5e3a 46px 49px,#a57750 49px 110px,#8b5e3a 110px 112px)"></div>
  ${art(name, `left:260px;top:50px;width:400px;height:533px;transform:rotate(${turn}deg);box-shadow:0 10px 24px #0007;outline:10px solid #fdfbf5`)}
  <div style="position:absolute;left:545px;top:330px;width:250px;height:250px;border-radius:50%;background:radial-gradient(#fff 0 34%,#e9e6df 35% 60%,#fff 61% 100%);box-shadow:0 12px 24px #0007"></div>
  <div style="position:absolute;left:605px;top:390px;width:130px;height:130px;border-radius:50%;background:radial-gradient(#3a2417 0 58%,#f6f3ec 60% 100%);box-shadow:0 6px 16px #0008"></div>`,
  '#8b5e3a',
);

/** Several pictures above a shelf, one of them half behind a vase. */
const shelf = (name, others) => page(
  `${frame(others[0], 'left:60px;top:80px;width:210px;height:280px', '#c8a165')}${frame(name, 'left:330px;top:46px;width:260px;height:346px', '#22262b')}${frame(others[1], 'left:650px;top:110px;width:180px;height:240px', '#f3efe6')}
  <div style="position:absolute;left:0;right:0;top:470px;height:34px;background:#6b4a33;box-shadow:0 10px 18px #0005"></div>
  <div style="position:absolute;left:520px;top:270px;width:110px;height:200px;border-radius:46% 46% 24% 24%;background:linear-gradient(90deg,#b4c7c2,#6f8f8a)"></div>
  <div style="position:absolute;left:130px;top:400px;width:150px;height:70px;background:linear-gradient(#a23b34 0 33%,#d9b24c 33% 66%,#2d5a63 66%)"></div>`,
  'linear-gradient(#c9d3cf,#aebbb6)',
);

const plain = (name) => `<!doctype html><body style="margin:0;width:600px;height:800px">${art(name, 'inset:0')}</body>`;
const detail = (name) => page(art(name, 'left:-340px;top:-420px;width:1240px;height:1653px'), '#000');
const mirrored = (name) => page(art(name, 'left:200px;top:0;width:506px;height:675px;transform:scaleX(-1)'), '#e9e4da');
const faded = (name) => page(`<div style="filter:grayscale(1) contrast(.7) brightness(1.12)">${art(name, 'left:180px;top:-30px;width:552px;height:736px;transform:rotate(-90deg)')}</div>`, '#ddd');

/** A print held before a phone: most of it, a little from the side, in warm light. */
const closeUp = (name) => `<!doctype html><body style="margin:0;width:675px;height:900px;overflow:hidden;background:#7d6a55">
  <div style="position:absolute;inset:0;perspective:900px"><div style="position:absolute;inset:0;transform:rotateY(16deg) rotateX(-7deg) rotate(-4deg)">${art(name, 'left:14px;top:10px;width:660px;height:880px')}</div></div>
  <div style="position:absolute;inset:0;background:linear-gradient(120deg,#ffd9a055,#0000 55%,#2a1a0a55)"></div></body>`;

/** All scenes by file name, with their sizes. */
export const scenes = {
  query: { 'phone.jpg': [closeUp('hills'), 675, 900] },
  folder: {
    ...Object.fromEntries(Object.keys(MOTIFS).map((name) => [`print-${name}.jpg`, [plain(name), 600, 800]])),
    'living-room.jpg': [wall('hills', -34), 900, 675],
    'on-the-table.jpg': [table('hills', 24), 900, 675],
    'above-the-shelf.jpg': [shelf('hills', ['tiles', 'garden']), 900, 675],
    'postcard-detail.jpg': [detail('hills'), 900, 675],
    'slide-mirrored.jpg': [mirrored('hills'), 900, 675],
    'newspaper.jpg': [faded('hills'), 900, 675],
    'hallway.jpg': [wall('city', 28), 900, 675],
    'desk.jpg': [table('sea', -12), 900, 675],
    'gallery.jpg': [shelf('contours', ['sea', 'city']), 900, 675],
    'study.jpg': [wall('tiles', -20), 900, 675],
    'kitchen.jpg': [table('garden', 8), 900, 675],
  },
};
