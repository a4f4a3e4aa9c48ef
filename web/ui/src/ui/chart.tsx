// A time chart that can be read without seeing it: a figure with a summary, a cursor for the arrow
// keys that is spoken, and the same numbers as a table.

import { effect } from '@preact/signals';
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { axisTime, compact, dateTime, number, zoneName } from '../core/format';
import { t } from '../core/i18n';
import { dark, zone } from '../core/prefs';
import { colour, forgetColours, seriesLook } from './palette';

export interface ChartSeries {
  label: string;
  values: (number | null)[];
  kind?: 'line' | 'area' | 'bars' | 'stack';
  colour?: string;  // name of a custom property; default by place
  hidden?: boolean;
}
export interface Threshold {
  value: number;
  label: string;
  colour: string;
}
export interface Band {
  from: number;
  to: number;
  label: string;
  colour: string;
}

interface Props {
  label: string;
  times: number[];
  series: ChartSeries[];
  format?: (value: number) => string;
  axisFormat?: (value: number) => string;
  thresholds?: Threshold[];
  bands?: Band[];
  height?: number;
  range?: { start: number; end: number };
  min?: number;
  max?: number;
  onZoom?: (start: number, end: number) => void;
  legend?: boolean;
}

const kTableRows = 100;

function drawUnder(u: uPlot, bands: Band[]): void {
  const { ctx, bbox } = u;
  for (const band of bands) {
    const left = Math.max(u.valToPos(band.from, 'x', true), bbox.left);
    const right = Math.min(u.valToPos(band.to, 'x', true), bbox.left + bbox.width);
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.save();
    ctx.globalAlpha = 0.16;
    ctx.fillStyle = colour(band.colour);
    ctx.fillRect(left, bbox.top, Math.max(right - left, 2 * devicePixelRatio), bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(left, bbox.top, Math.max(right - left, 2 * devicePixelRatio), 3 * devicePixelRatio);
    ctx.restore();
  }
}

function drawThresholds(u: uPlot, thresholds: Threshold[]): void {
  const { ctx, bbox } = u;
  const labelled: number[] = [];
  for (const line of thresholds) {
    const y = u.valToPos(line.value, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour(line.colour);
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = 'left';
    // Two lines a hair apart: the first keeps its name, or neither could be read.
    if (labelled.every((other) => Math.abs(other - y) > 14 * devicePixelRatio)) {
      ctx.fillText(line.label, bbox.left + 6 * devicePixelRatio, y - 5 * devicePixelRatio);
      labelled.push(y);
    }
    ctx.restore();
  }
}

function options(props: Props, width: number, onCursor: (index: number | null) => void): uPlot.Options {
  const format = props.axisFormat ?? compact;
  const axis = {
    stroke: colour('muted'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('grid'), width: 1 },
    ticks: { stroke: colour('grid'), width: 1, size: 4 },
  };
  return {
    width,
    height: props.height ?? 260,
    legend: { show: false },
    cursor: {
      drag: { x: props.onZoom !== undefined, y: false, setScale: false },
      points: { size: 6 },
    },
    scales: {
      x: { time: true, ...(props.range ? { range: () => [props.range!.start, props.range!.end] as [number, number] } : {}) },
      y: {
        range: (_u, low, high) => {
          const marks = (props.thresholds ?? []).map((line) => line.value);
          const min = props.min ?? Math.min(low ?? 0, ...marks);
          const max = props.max ?? Math.max(high ?? 1, ...marks);
          if (min === max) return [Math.min(min, 0), max === 0 ? 1 : max + Math.abs(max) * 0.1];
          const pad = (max - min) * 0.06;
          return [min === 0 || props.min !== undefined ? min : min - pad, props.max ?? max + pad];
        },
      },
    },
    axes: [
      { ...axis, space: 70, size: 28, values: (u, ticks) => ticks.map((at) => axisTime(at, (u.scales['x']?.max ?? 0) - (u.scales['x']?.min ?? 0))) },
      { ...axis, size: 62, values: (_u, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...props.series.map((one, index): uPlot.Series => {
        const look = seriesLook(index);
        const ink = one.colour ? colour(one.colour) : look.colour;
        return {
          label: one.label,
          stroke: ink,
          width: one.kind === 'bars' ? 0 : 1.5,
          dash: look.dash,
          show: !one.hidden,
          points: { show: props.times.length < 2 },
          ...(one.kind === 'area' ? { fill: ink.replace('rgb(', 'rgba(').replace(')', ', 0.14)') } : {}),
          ...(one.kind === 'bars' ? { fill: ink, paths: uPlot.paths.bars!({ size: [0.8, 40, 1], align: 1 }) } : {}),
        };
      }),
    ],
    hooks: {
      drawClear: [(u) => drawUnder(u, props.bands ?? [])],
      draw: [(u) => drawThresholds(u, props.thresholds ?? [])],
      setCursor: [(u) => onCursor(u.cursor.idx ?? null)],
      setSelect: [
        (u) => {
          if (u.select.width < 4 || !props.onZoom) return;
          props.onZoom(u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x'));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

function ChartTable({ props }: { props: Props }) {
  const format = props.format ?? ((value: number) => number(value, 5));
  const step = Math.max(1, Math.ceil(props.times.length / kTableRows));
  const rows = props.times.map((_at, index) => index).filter((index) => index % step === 0);
  const shown = props.series.slice(0, 20);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={props.label}>
      <table class="table dense plain">
        <caption class="sr-only">{props.label}</caption>
        <thead>
          <tr>
            <th scope="col">{t('time')}</th>
            {shown.map((one) => (
              <th scope="col" class="right" key={one.label}>
                {one.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((index) => (
            <tr key={index}>
              <th scope="row" class="num">{dateTime(props.times[index])}</th>
              {shown.map((one) => {
                const value = one.values[index];
                return (
                  <td class="right num" key={one.label}>
                    {value === null || value === undefined ? '–' : format(value)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Chart(props: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [cursor, setCursor] = useState<number | null>(null);
  const [spoken, setSpoken] = useState('');
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const format = props.format ?? ((value: number) => number(value, 5));
  const data = useMemo(() => [props.times, ...props.series.map((one) => one.values)] as uPlot.AlignedData, [props.times, props.series]);

  // Only a change of shape builds a new chart; new numbers flow into the old one.
  const shape = JSON.stringify([
    props.series.map((one) => [one.label, one.kind, one.colour, one.hidden]),
    props.thresholds, props.bands?.length, props.height, props.min, props.max, props.onZoom !== undefined,
  ]);
  useEffect(() => {
    const node = box.current;
    if (!node) return;
    const build = () => {
      plot.current?.destroy();
      const width = node.clientWidth;
      if (width === 0) return;
      const made = new uPlot(options(latest.current, width, setCursor), dataOf(latest.current), node);
      made.root.setAttribute('aria-hidden', 'true');
      plot.current = made;
    };
    const stopTheme = effect(() => {
      void dark.value;
      void zone.value;
      requestAnimationFrame(() => {
        forgetColours();
        build();
      });
    });
    const watcher = new ResizeObserver(() => {
      const width = node.clientWidth;
      if (!plot.current) build();
      else if (width > 0 && Math.abs(width - plot.current.width) > 1) plot.current.setSize({ width, height: latest.current.height ?? 260 });
    });
    watcher.observe(node);
    return () => {
      stopTheme();
      watcher.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    const u = plot.current;
    if (!u) return;
    const own = latest.current;
    u.setData(data, true);
    if (own.range) u.setScale('x', { min: own.range.start, max: own.range.end });
  }, [data, props.range?.start, props.range?.end]);

  const onKey = (event: KeyboardEvent) => {
    const u = plot.current;
    const jump = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (!u || jump === undefined || props.times.length === 0) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(props.times.length - 1, (cursor ?? (jump > 0 ? -1 : props.times.length)) + jump));
    const at = props.times[next] ?? 0;
    u.setCursor({ left: u.valToPos(at, 'x'), top: 10 });
    setCursor(next);
    setSpoken(`${dateTime(at)}: ${props.series.slice(0, 5).map((one) => {
      const value = one.values[next];
      return `${one.label} ${value === null || value === undefined ? t('chart.gap') : format(value)}`;
    }).join(', ')}`);
  };

  const at = cursor === null ? undefined : props.times[cursor];
  return (
    <figure class="chart" aria-labelledby={`${id}-label`} role="figure">
      <div class="chart-plot" ref={box} tabIndex={0} role="application" aria-roledescription={t('chart.role')} aria-label={`${props.label}. ${t('chart.keys')}`} onKeyDown={onKey} />
      <figcaption class="chart-foot">
        <span class="sr-only" id={`${id}-label`}>{props.label}</span>
        <span class="sr-only" aria-live="polite">{spoken}</span>
        {props.legend !== false && (
          <span class="chart-legend">
            <span class="num muted">{at === undefined ? '' : dateTime(at)}</span>
            {props.series.slice(0, 12).map((one, index) => {
              const value = cursor === null ? undefined : one.values[cursor];
              return (
                <span class="chart-key" key={one.label}>
                  <Swatch index={index} name={one.colour} />
                  {one.label}
                  {value !== undefined && value !== null && <b class="num"> {format(value)}</b>}
                </span>
              );
            })}
            {(props.bands?.length ?? 0) > 0 && (
              <span class="chart-key">
                <span class="swatch-band" aria-hidden="true" />
                {t('chart.bands')}
              </span>
            )}
          </span>
        )}
        <span class="muted chart-zone">{zoneName(props.times[props.times.length - 1])}</span>
        <button type="button" class="link-button" aria-expanded={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? t('chart.hide_table') : t('chart.table')}
        </button>
      </figcaption>
      {asTable && <ChartTable props={props} />}
    </figure>
  );
}

function dataOf(props: Props): uPlot.AlignedData {
  return [props.times, ...props.series.map((one) => one.values)] as uPlot.AlignedData;
}

// The line as it is drawn: colour and dashes.
export function Swatch({ index, name }: { index: number; name?: string | undefined }) {
  void dark.value;
  const look = seriesLook(index);
  return (
    <svg class="swatch" width="18" height="8" viewBox="0 0 18 8" aria-hidden="true">
      <line x1="0" y1="4" x2="18" y2="4" stroke={`var(--${name ?? look.name})`} stroke-width="2.5" stroke-dasharray={look.dash.join(' ')} />
    </svg>
  );
}
