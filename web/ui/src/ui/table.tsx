// A table that sorts by its heads, keeps its order in the address, and folds into cards on a phone.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../core/i18n';
import { param, setParams } from '../core/router';
import { Icon } from './icons';

export interface Column<T> {
  key: string;
  label: string;
  render: (row: T) => ComponentChildren;
  sort?: (row: T) => number | string;
  right?: boolean;
  main?: boolean;  // names the row
}

interface Props<T> {
  caption: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string | number;
  name?: string;         // parameter in the address; default "sort"
  initial?: string;      // "key" or "-key"; default: the order given
  empty?: ComponentChildren;
  tone?: (row: T) => string;
  page?: number;         // rows drawn before somebody asks for more
}

const kPage = 200;  // rows drawn at once: ten thousand targets must not freeze the page

function order(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') {
    return (Number.isNaN(a) ? Infinity : a) - (Number.isNaN(b) ? Infinity : b) || 0;
  }
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

export function sortRows<T>(rows: T[], columns: Column<T>[], by: string): T[] {
  const down = by.startsWith('-');
  const get = columns.find((column) => column.key === by.replace(/^-/, ''))?.sort;
  if (!get) return rows;
  return [...rows].sort((a, b) => (down ? -1 : 1) * order(get(a), get(b)));
}

function Head<T>({ column, by, name }: { column: Column<T>; by: string; name: string }) {
  const up = by === column.key;
  const down = by === `-${column.key}`;
  const className = column.right ? 'right' : undefined;
  if (!column.sort) {
    return (
      <th role="columnheader" scope="col" class={className}>
        {column.label}
      </th>
    );
  }
  return (
    <th role="columnheader" scope="col" class={className} aria-sort={up ? 'ascending' : down ? 'descending' : 'none'}>
      <button type="button" class="sort" onClick={() => setParams({ [name]: up ? `-${column.key}` : column.key })}>
        {column.label}
        <span class="sort-mark">{(up || down) && <Icon name={up ? 'up' : 'down'} size={12} />}</span>
      </button>
    </th>
  );
}

export function Table<T>(props: Props<T>) {
  const { columns, name = 'sort' } = props;
  const [limit, setLimit] = useState(props.page ?? kPage);
  const by = param(name, props.initial ?? '');
  const rows = sortRows(props.rows, columns, by);
  if (rows.length === 0) return <>{props.empty ?? <p class="muted pad">{t('table.empty')}</p>}</>;
  return (
    <>
      <div class="table-box" tabIndex={0} role="region" aria-label={props.caption}>
        <table class="table" role="table">
          <caption class="sr-only">{props.caption}</caption>
          <thead role="rowgroup">
            <tr role="row">
              {columns.map((column) => (
                <Head key={column.key} column={column} by={by} name={name} />
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {rows.slice(0, limit).map((row) => (
              <tr role="row" key={props.rowKey(row)} class={props.tone?.(row)}>
                {columns.map((column) =>
                  column.main ? (
                    <th role="rowheader" scope="row" key={column.key} class="main-cell">
                      {column.render(row)}
                    </th>
                  ) : (
                    <td role="cell" key={column.key} class={column.right ? 'right' : undefined} data-label={column.label}>
                      {column.render(row)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > limit && (
        <p class="pad">
          <button type="button" class="button" onClick={() => setLimit(limit + 5 * kPage)}>
            {t('table.more', { n: rows.length - limit })}
          </button>
        </p>
      )}
    </>
  );
}
