// Two pictures that are zoomed and moved together: what is in the middle of one stays in the middle of the other, as
// large, by the transform of the match. Loaded when somebody zooms.

import OpenSeadragon from 'openseadragon';
import { inverse, type Matrix, motionOf, type Point, project, scaleAt, type Size } from '../pure/transform';

export interface Side { frame: HTMLElement; addresses: readonly string[]; size: Size; label: string }
export type SideIndex = 0 | 1;

/** A tenth of the view. */
const PAN = 0.1;
const ZOOM = 1.4;

/**
 * OpenSeadragon would put a style into the page, which the content security policy forbids, unless it finds one of this
 * name. This one belongs to no language of styles.
 */
function withoutOwnStyle(): void {
  const name = 'data-openseadragon-mobile-css';
  if (document.querySelector(`style[${name}]`)) return;
  const style = document.createElementNS('about:none', 'style');
  style.setAttribute(name, 'true');
  document.head.append(style);
}

export class ZoomedPair {
  private viewers: [OpenSeadragon.Viewer, OpenSeadragon.Viewer];
  private leader: SideIndex = 0;
  /** Whether moving one moves the other. */
  linked = true;
  private transform: Matrix | null = null;

  constructor(private sides: readonly [Side, Side], private changed: () => void, still: boolean, unseen: string) {
    OpenSeadragon.setString('Errors.OpenFailed', unseen);
    withoutOwnStyle();
    this.viewers = [this.open(0, still), this.open(1, still)];
  }

  private open(at: SideIndex, still: boolean): OpenSeadragon.Viewer {
    const { frame, addresses, label } = this.sides[at];
    const gestures = { scrollToZoom: true, clickToZoom: false, dblClickToZoom: true, pinchToZoom: true, pinchRotate: false, flickEnabled: !still };
    const viewer = OpenSeadragon({
      element: frame, drawer: 'canvas', crossOriginPolicy: false,
      showNavigationControl: false, keyboardNavEnabled: false,
      animationTime: still ? 0 : 0.35, springStiffness: 9, zoomPerScroll: 1.25,
      minZoomImageRatio: 0.7, maxZoomPixelRatio: 12, visibilityRatio: 0.4,
      gestureSettingsMouse: gestures, gestureSettingsTouch: gestures, gestureSettingsPen: gestures,
    });
    let next = 0;
    const load = () => {
      const url = addresses[next];
      next += 1;
      if (url) viewer.open({ tileSource: { type: 'image', url } });
    };
    viewer.addHandler('open-failed', load);
    load();
    viewer.canvas.setAttribute('role', 'application');
    viewer.canvas.setAttribute('aria-label', label);
    for (const event of ['canvas-press', 'canvas-scroll', 'canvas-double-click', 'canvas-pinch'] as const) viewer.addHandler(event, () => { this.leader = at; });
    viewer.addHandler('canvas-key', (event) => {
      const key = event.originalEvent as unknown as KeyboardEvent;
      this.leader = at;
      if (this.key(key)) {
        key.preventDefault();
        key.stopPropagation();
      }
    });
    viewer.addHandler('viewport-change', () => this.follow(at));
    viewer.addHandler('open', () => this.tie(this.transform, this.linked));
    viewer.addHandler('update-viewport', () => this.changed());
    viewer.addHandler('resize', () => this.changed());
    return viewer;
  }

  /** Ties the pictures by a transform, or by their frames alone. Tied ones are turned alike. */
  tie(transform: Matrix | null, linked: boolean): void {
    this.transform = transform;
    this.linked = linked;
    const motion = transform && linked ? motionOf(transform, this.sides[0].size) : null;
    const { viewport } = this.viewers[1];
    const turn = motion && !motion.mirrored && Math.abs(motion.turn) >= 2 ? -motion.turn : 0;
    if (viewport && viewport.getRotation() !== turn) viewport.setRotation(turn, true);
    this.changed();
  }

  /** Moves the other picture along. */
  private follow(at: SideIndex): void {
    if (at !== this.leader || !this.linked) return;
    const [from, to] = at === 0 ? [0, 1] as const : [1, 0] as const;
    const [lead, other] = [this.viewers[from].viewport, this.viewers[to].viewport];
    if (!lead || !other || !this.viewers[to].isOpen()) return;
    const [size, size2] = [this.sides[from].size, this.sides[to].size];
    const centre = lead.getCenter(true);
    const zoom = lead.getZoom(true);
    const h = this.transform && (from === 0 ? this.transform : inverse(this.transform));
    if (!h) {
      // Nothing ties them but their frames.
      other.panTo(new OpenSeadragon.Point(centre.x, (centre.y / size.height) * size.width * (size2.height / size2.width)), true);
      other.zoomTo(zoom, undefined, true);
    } else {
      const point: Point = [centre.x * size.width, centre.y * size.width];
      const [x, y] = project(h, point);
      const widths = this.viewers[from].container.clientWidth / (this.viewers[to].container.clientWidth || 1);
      if (Number.isFinite(x + y)) other.panTo(new OpenSeadragon.Point(x / size2.width, y / size2.width), true);
      const scale = scaleAt(h, point);
      if (Number.isFinite(scale) && scale > 0) other.zoomTo((zoom / size.width / scale) * size2.width * widths, undefined, true);
    }
  }

  /** Where a point of a picture is in the window; null before the picture is there. */
  place(at: SideIndex, [x, y]: Point): Point | null {
    const viewer = this.viewers[at];
    if (!viewer.isOpen()) return null;
    const { width } = this.sides[at].size;
    const box = viewer.element.getBoundingClientRect();
    const own = viewer.viewport.viewportToViewerElementCoordinates(new OpenSeadragon.Point(x / width, y / width));
    return [box.left + own.x, box.top + own.y];
  }

  zoomBy(factor: number): void {
    this.viewers[this.leader].viewport.zoomBy(factor);
    this.viewers[this.leader].viewport.applyConstraints();
    if (!this.linked) this.viewers[this.leader === 0 ? 1 : 0].viewport.zoomBy(factor);
  }

  /** Shows all of both. */
  home(): void {
    this.leader = 0;
    const { linked } = this;
    this.linked = false;
    for (const { viewport } of this.viewers) viewport.goHome(true);
    this.linked = linked;
    this.changed();
  }

  /** Brings a matched point into the middle of both, near enough to look at. */
  focus(ends: readonly [Point, Point]): void {
    this.viewers.forEach((viewer, at) => {
      const end = ends[at];
      const side = this.sides[at];
      if (!end || !side || !viewer.isOpen()) return;
      viewer.viewport.panTo(new OpenSeadragon.Point(end[0] / side.size.width, end[1] / side.size.width));
    });
    this.leader = 0;
    const least = 3 * this.viewers[0].viewport.getHomeZoom();
    if (this.viewers[0].viewport.getZoom() < least) this.viewers[0].viewport.zoomTo(least);
  }

  key(event: KeyboardEvent): boolean {
    const { viewport } = this.viewers[this.leader];
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const step = viewport.getBounds().width * PAN;
    const [dx, dy] = ({ ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] } as Record<string, [number, number]>)[event.key] ?? [0, 0];
    if (dx || dy) {
      viewport.panBy(new OpenSeadragon.Point(dx, dy));
      viewport.applyConstraints();
    } else if (event.key === '+' || event.key === '=') this.zoomBy(ZOOM);
    else if (event.key === '-') this.zoomBy(1 / ZOOM);
    else if (event.key === '0') this.home();
    else return false;
    return true;
  }

  /** How much larger than the screen a picture's pixels are drawn. */
  level(at: SideIndex): number {
    const viewer = this.viewers[at];
    return viewer.isOpen() ? (viewer.viewport.getZoom(true) * viewer.container.clientWidth) / this.sides[at].size.width : 0;
  }

  close(): void {
    for (const viewer of this.viewers) viewer.destroy();
  }
}
