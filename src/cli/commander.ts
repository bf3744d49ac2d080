/** The home of commander: the one file that loads it. */
export { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
