/** The home of commander: the one file that loads it. */
export { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
