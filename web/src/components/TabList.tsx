import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './Tabs.module.css';

interface TabListProps<T extends string> {
  value: T;
  tabs: readonly { key: T; label: string }[];
  onChange: (tab: T) => void;
  children: ReactNode;
}

/** The parts of a page, one at a time; which one is in the address. */
export function TabList<T extends string>({ value, tabs, onChange, children }: TabListProps<T>) {
  return (
    <Tabs value={value} keepMounted={false} classNames={{ list: classes.tabs, tab: classes.tab, panel: classes.panel }} onChange={(next) => next && onChange(next as T)}>
      <Tabs.List>{tabs.map((tab) => <Tabs.Tab key={tab.key} value={tab.key}>{tab.label}</Tabs.Tab>)}</Tabs.List>
      {children}
    </Tabs>
  );
}
