-- What was accepted in each hour, less what was taken back of it. Old hours are deleted.
--
-- An amount of 192 bits is counted in six parts of 32, the lowest first, so that adding one is a single statement. A
-- part may grow beyond 32 bits, or fall below zero by what is taken back; what they stand for together is never negative.
CREATE TABLE income (
    -- Hours since 1970.
    hour     BIGINT PRIMARY KEY,
    payments BIGINT NOT NULL,
    part0    BIGINT NOT NULL,
    part1    BIGINT NOT NULL,
    part2    BIGINT NOT NULL,
    part3    BIGINT NOT NULL,
    part4    BIGINT NOT NULL,
    part5    BIGINT NOT NULL
);
