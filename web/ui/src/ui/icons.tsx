// The icons: 16-unit strokes in the colour of the text around them. Always beside words, never alone.

const kPaths = {
  overview: 'M2.5 2.5h4.5v4.5h-4.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5h-4.5zM9 9h4.5v4.5H9z',
  slo: 'M2 11.5a6 6 0 1 1 12 0M8 11.5l3-4M8 11.5h.01',
  bell: 'M4 11.5V7a4 4 0 0 1 8 0v4.5l1 1H3zM6.7 14.2h2.6',
  incident: 'M9 1.5L3.5 9H8l-1 5.5L12.5 7H8z',
  wrench: 'M10.2 5.8l3-3a4 4 0 0 1-5 5L4 12a1.4 1.4 0 0 1-2-2l4.200-4.200a4 4 0 0 1 5-5l-3 3z',
  calendar: 'M2.500 3.500h11v10h-11zM2.500 6.500h11M5.500 2v3M10.500 2v3M6 10l1.500 1.500 2.500-3',
  chart: 'M2 2v12h12M4.500 10.500l3-3.500 2.500 2 3.500-5',
  logs: 'M2.500 4h11M2.500 8h11M2.500 12h7',
  target: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 10.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z',
  rules: 'M2 4l1.200 1.200L5.500 3M2 11l1.200 1.200L5.500 10M8 4.200h6M8 11.200h6',
  disk: 'M2 4c0-1.200 2.700-2 6-2s6 .8 6 2-2.700 2-6 2-6-.8-6-2zM2 4v8c0 1.200 2.700 2 6 2s6-.8 6-2V4M2 8c0 1.200 2.700 2 6 2s6-.8 6-2',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.600 10.600L14 14',
  sun: 'M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1',
  moon: 'M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7z',
  auto: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 2v12M8 5l3 0M8 8l4 0M8 11l3 0',
  globe: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM2 8h12M8 2c4 3.500 4 8.500 0 12M8 2c-4 3.500-4 8.500 0 12',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.500V8l2.500 1.500',
  help: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.200 6.300a1.800 1.800 0 1 1 2.600 1.600c-.6.3-.8.6-.8 1.300M8 11.400h.01',
  close: 'M3.500 3.500l9 9M12.500 3.500l-9 9',
  menu: 'M2 4h12M2 8h12M2 12h12',
  check: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.300 8.200l1.900 1.900 3.500-3.900',
  warn: 'M8 2.200L14.500 13.500H1.500zM8 6.500v3.200M8 11.600h.01',
  stop: 'M5.500 2h5L14 5.500v5L10.500 14h-5L2 10.500v-5zM8 5v3.500M8 10.900h.01',
  none: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.500 8h5',
  info: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.500V11M8 5.100h.01',
  play: 'M4.500 3v10l8-5z',
  pause: 'M5 3v10M11 3v10',
  left: 'M10 3L5 8l5 5',
  right: 'M6 3l5 5-5 5',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  mute: 'M3 3l10 10M6 4a4 4 0 0 1 6 3v3M4 7v4.500l-1 1h8M6.700 14.200h2.600',
  mail: 'M2 4h12v8.500H2zM2 4.500l6 4.500 6-4.500',
  refresh: 'M13.500 8a5.500 5.500 0 1 1-1.800-4.100M13.500 1.800v3h-3',
  arrow: 'M3 8h10M9 4l4 4-4 4',
  up: 'M8 13V3M4 7l4-4 4 4',
  down: 'M8 3v10M4 9l4 4 4-4',
  user: 'M8 8a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.500 14c.5-3 2.700-4.500 5.500-4.500s5 1.500 5.500 4.500',
} as const;

export type IconName = keyof typeof kPaths;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={kPaths[name]} fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}
