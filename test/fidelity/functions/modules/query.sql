SELECT * FROM t WHERE a = 'b';
